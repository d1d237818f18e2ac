with batches as (
    select
        *,
        max(published_at) over () as newest_published_at,
        max(batch_id) over () as newest_batch_id
    from {{ ref('stg_payments__batches') }}
),

progress as (
    select countif(latest_offset is null or unpublished_offsets > 0) as behind_partitions
    from {{ ref('int_partitions__progress') }}
),

broker as (
    select min(observed_at) as observed_at
    from {{ ref('stg_payments__kafka_offsets') }}
),

reconciled as (
    select status from {{ ref('reconciliation_daily') }}
    union all
    select status from {{ ref('reconciliation_batches') }}
    union all
    select status from {{ ref('reconciliation_control_totals') }}
),

ledger as (
    select
        max(max_kafka_timestamp) as newest_kafka_timestamp,
        sum(if(batch_id = newest_batch_id, state_bytes, 0)) as state_bytes,
        sum(if(published_at > timestamp_sub(newest_published_at, interval 1 day), duplicate_count, 0)) as duplicates,
        sum(if(published_at > timestamp_sub(newest_published_at, interval 1 day), delivered, 0)) as delivered,
        max(if(published_at > timestamp_sub(newest_published_at, interval 10 minute), latency_p95_seconds, null))
            as latency_p95_seconds
    from batches
),

lag as (
    select
        if(
            progress.behind_partitions = 0,
            0,
            timestamp_diff(
                current_timestamp(), coalesce(ledger.newest_kafka_timestamp, broker.observed_at), second
            )
        ) as checkpoint_lag_seconds
    from progress
    cross join ledger
    cross join broker
)

select
    'state_size_mb' as metric,
    cast(coalesce(state_bytes, 0) as numeric) / 1000000 as value
from ledger
union all
select
    'duplicate_rate_pct' as metric,
    coalesce(100 * cast(duplicates as numeric) / nullif(delivered, 0), 0) as value
from ledger
union all
select
    'reconciliation_pct' as metric,
    coalesce(100 * cast(countif(status not like 'FAIL%') as numeric) / nullif(count(*), 0), 100) as value
from reconciled
union all
select
    'event_to_warehouse_latency_p95_seconds' as metric,
    cast(coalesce(latency_p95_seconds, 0) as numeric) as value
from ledger
union all
select
    'checkpoint_lag_seconds' as metric,
    cast(coalesce(checkpoint_lag_seconds, 0) as numeric) as value
from lag
