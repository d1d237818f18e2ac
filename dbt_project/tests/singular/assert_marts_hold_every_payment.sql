{{ config(meta={'dagster': {'ref': {'name': 'payment_metrics'}}}) }}
-- depends_on: {{ ref('pipeline_health') }}
-- The two incremental marts hold every published payment once, so nothing slipped past an incremental build. Payments
-- published after the marts were built are not theirs yet, and pass.
with published as (
    select
        countif(batch_id <= (select max(fraud.batch_id) from {{ ref('payment_transactions_fraud') }} as fraud))
            as scorable_count,
        countif(batch_id <= (select max(metrics.batch_id) from {{ ref('payment_metrics') }} as metrics))
            as countable_count,
        count(*) as payment_count
    from {{ ref('stg_payments__transactions') }}
),

held as (
    select
        (select count(*) from {{ ref('payment_transactions_fraud') }}) as scored_count,
        (select sum(metrics.payment_count) from {{ ref('payment_metrics') }} as metrics) as counted_count
)

select *
from published
cross join held
where
    scorable_count != scored_count
    or countable_count != coalesce(counted_count, 0)
    or (payment_count > 0 and scored_count = 0)
