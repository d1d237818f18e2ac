{{ config(**kept_days(['day', 'trait'], by='day', data_type='date', cluster_by=['trait'])) }}
{%- set scope = traits_scope() %}
{%- set is_known = (
    'event_time >= timestamp(' ~ scope.first ~ ') and event_time < timestamp(' ~ scope.closed_on ~ ')'
    ~ ' and decided_at >= timestamp_sub(timestamp(' ~ scope.first ~ '), interval 1 day)'
) %}
{{ scope_line(scope, 'day', scope.merged_from) }}
with payments as (
    select *
    from {{ ref('int_payments__valued') }} as valued
    where
        valued.event_time >= timestamp({{ scope.first }})
        and valued.event_time < timestamp({{ scope.closed_on }})
        and {{ is_of_account_to_build(scope, 'valued') }}
),

-- Also of traits that a correction has left without a payment: their row says none, it does not stay as it was.
made as (
    select
        date(event_time) as day,
        {{ account_trait() }} as trait,
        1 as payment_count,
        if(kind = 'METHOD' and amount_eur is not null, 1, 0) as valued_count,
        if(kind = 'METHOD', {{ log_of_amount() }}, null) as log_amount,
        if(kind in ('DEVICE', 'DEVICES', 'ADDRESS'), event_time, null) as first_at
    from payments
    cross join {{ account_traits() }}
    union all
    select
        day,
        trait,
        0 as payment_count,
        0 as valued_count,
        cast(null as numeric) as log_amount,
        cast(null as timestamp) as first_at
    from (
        {{ corrected_traits(is_known) | indent(8) }}
    ) as corrected
)

select
    day,
    trait,
    sum(payment_count) as payment_count,
    nullif(sum(valued_count), 0) as valued_count,
    cast(sum(log_amount) as numeric) as log_sum,
    min(first_at) as first_at
from made
where trait is not null and {{ is_new_or_corrected(scope, 'day') | indent(4) }}
group by day, trait
