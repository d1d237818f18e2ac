{{ config(**kept_days(['day', 'trait'], by='day', data_type='date', cluster_by=['trait'])) }}
{%- set history = var('fraud_history_days') | int %}
{%- set scope = traits_scope(upstream=['int_accounts__days'], days_later=range(1, history + 1), kept=kept_habits()) %}
{{ scope_line(scope, 'day', scope.merged_from) }}
with days as (
    select
        *,
        date_add(day, interval days_later day) as known_on
    from {{ ref('int_accounts__days') }}
    cross join unnest(generate_array(1, {{ history }})) as days_later
    where
        day >= {% if scope.is_changed %}date_sub({{ scope.first }}, interval {{ history }} day)
        {%- else %}{{ scope.closed_on }}{% endif %}
        and day < {{ scope.closed_on }}
)

select
    known_on as day,
    trait,
    sum(payment_count) as payment_count,
    sum(valued_count) as valued_count,
    cast(sum(log_sum) as numeric) as log_sum,
    min(first_at) as first_at
from days
where
    known_on >= {{ scope.first }}
    and known_on <= {{ scope.closed_on }}
    and {{ is_new_or_corrected(scope, 'known_on') | indent(4) }}
group by known_on, trait
