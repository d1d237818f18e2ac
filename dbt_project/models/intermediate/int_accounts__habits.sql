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
{%- set scope = build_scope(upstream=['int_accounts__days']) %}
{%- set history = var('fraud_history_days') | int %}
{%- set closed = day_of_number(scope.closed | default(number_of_never())) %}
{%- set is_due = not scope or scope.first_day < scope.closed %}
{%- set first = day_of_number([scope.first_day + 1, scope.closed + 1] | min if scope else 0) %}
{%- set new = day_of_number(scope.new_day + 1 if scope else 0) %}
{{ scope_line(scope, 'day', first if is_due else never_day()) }}
with days as (
    select
        *,
        date_add(day, interval days_later day) as known_on
    from {{ ref('int_accounts__days') }}
    cross join unnest(generate_array(1, {{ history }})) as days_later
    where
        day >= {% if is_due %}date_sub({{ first }}, interval {{ history }} day){% else %}{{ closed }}{% endif %}
        and day < {{ closed }}
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
    known_on >= {{ first }}
    and known_on <= {{ closed }}
    and {{ is_new_or_corrected(scope, 'known_on >= ' ~ new) | indent(4) }}
group by known_on, trait
