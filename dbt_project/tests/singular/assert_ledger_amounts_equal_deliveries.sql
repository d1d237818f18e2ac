{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_batches'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- The conservation law in money: per batch, disposition and currency the ledger's sums are those of the deliveries.
-- What was erased counts by its receipts.
with told as (
    select
        batch_id,
        disposition,
        coalesce(currency, '') as currency,
        1 as record_count,
        cast(coalesce(amount_minor, 0) as numeric) as amount_minor
    from {{ open_rows('stg_payments__deliveries') }}
    where {{ is_open() }} and disposition != 'ERASED'
    union all
    select
        batch_id,
        disposition,
        currency,
        record_count,
        amount_minor
    from {{ ref('stg_payments__erasures') }}
    where {{ is_open() }}
),

deliveries as (
    select
        batch_id,
        disposition,
        currency,
        sum(record_count) as record_count,
        sum(amount_minor) as amount_minor
    from told
    group by batch_id, disposition, currency
),

ledger as (
    select
        batch_id,
        disposition,
        currency,
        sum(record_count) as record_count,
        sum(cast(amount_minor as numeric)) as amount_minor
    from {{ ref('stg_payments__batch_amounts') }}
    where {{ is_open() }}
    group by batch_id, disposition, currency
)

select
    batch_id,
    disposition,
    currency,
    ledger.record_count as ledger_count,
    deliveries.record_count as counted,
    ledger.amount_minor as ledger_amount_minor,
    deliveries.amount_minor as counted_amount_minor
from ledger
full outer join deliveries using (batch_id, disposition, currency)
where
    coalesce(ledger.record_count, 0) != coalesce(deliveries.record_count, 0)
    or coalesce(ledger.amount_minor, 0) != coalesce(deliveries.amount_minor, 0)
