{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['window_start', 'currency', 'region', 'payment_method'],
        on_schema_change='fail',
        partition_by={'field': 'window_start', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['currency', 'region'],
    )
}}

with payments as (
    select
        *,
        timestamp_trunc(event_time, minute) as window_start
    from {{ ref('int_payments__valued') }}
    where event_time >= timestamp_trunc({{ unseen_since() }}, minute)
)

select
    window_start,
    timestamp_add(window_start, interval 1 minute) as window_end,
    currency,
    region,
    payment_method,
    count(*) as payment_count,
    cast(sum(amount) as numeric) as amount_sum,
    cast(avg(amount) as numeric) as amount_avg,
    cast(sum(amount_eur) as numeric) as amount_eur_sum,
    count(distinct sender_account_id) as distinct_senders,
    max(batch_id) as batch_id
from payments
group by window_start, currency, region, payment_method
