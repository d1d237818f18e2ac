{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['day', 'trait'],
        on_schema_change='append_new_columns',
        partition_by={'field': 'day', 'data_type': 'date', 'granularity': 'day'},
        cluster_by=['trait'],
        post_hook='{{ tell_what_is_built() }}',
    )
}}
{%- set scope = build_scope() %}
{%- set closed = day_of_number(scope.closed | default(number_of_never())) %}
{%- set first = day_of_number([scope.first_day, scope.closed] | min if scope else 0) %}
{%- set new = day_of_number(scope.new_day | default(0)) %}
{%- set is_known = (
    'event_time >= timestamp(' ~ first ~ ') and event_time < timestamp(' ~ closed ~ ')'
    ~ ' and decided_at >= timestamp_sub(timestamp(' ~ first ~ '), interval 1 day)'
) %}
{{ scope_line(scope, 'day', first if not scope or scope.first_day < scope.closed else never_day()) }}
with payments as (
    select *
    from {{ ref('int_payments__valued') }} as valued
    where
        valued.event_time >= timestamp({{ first }})
        and valued.event_time < timestamp({{ closed }})
        and {{ is_of_account_to_build(scope, 'valued', new) }}
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
where trait is not null and {{ is_new_or_corrected(scope, 'day >= ' ~ new) | indent(4) }}
group by day, trait
