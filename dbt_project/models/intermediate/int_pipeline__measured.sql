with watch as (
    select
        max(if(metric = 'observation_overdue_seconds', since, null)) as begun_at,
        countif(metric = 'checkpoint_lag_seconds') > 0 as has_asked_broker,
        min(if(metric = 'checkpoint_lag_seconds', due_at, null)) as behind_since
    from {{ ref('stg_payments__observations') }}
),

batches as (
    select
        *,
        max(batch_id) over () as newest_batch_id
    from {{ ref('stg_payments__batches') }}
    -- Partitions of a week, whatever is stored: this is read every minute.
    where published_at >= timestamp_sub({{ moment() }}, interval 7 day)
),

-- Where nobody watches: what the broker said at the last build, against what the control row says now.
broker as (
    select
        min(offsets.observed_at) as observed_at,
        countif(
            offsets.latest_offset > coalesce(
                safe_cast(
                    regexp_extract(
                        split(
                            pipelines.end_offsets, concat('"', cast(offsets.kafka_partition as string), '"')
                        )[safe_offset(1)],
                        r'[0-9]+'
                    ) as int64
                ),
                offsets.earliest_offset
            )
        ) as behind_partitions
    from {{ ref('stg_payments__kafka_offsets') }} as offsets
    left join {{ ref('stg_payments__pipelines') }} as pipelines on offsets.topic = pipelines.topic
),

ledger as (
    select
        -- A sender's clock may be ahead: nothing was written after it was published.
        max(least(batches.max_kafka_timestamp, batches.published_at)) as newest_kafka_timestamp,
        sum(if(batches.batch_id = batches.newest_batch_id, batches.state_bytes, 0)) as state_bytes,
        sum(
            if(batches.published_at > timestamp_sub({{ moment() }}, interval 1 day), batches.duplicate_count, 0)
        ) as duplicates,
        sum(
            if(batches.published_at > timestamp_sub({{ moment() }}, interval 1 day), batches.delivered, 0)
        ) as delivered,
        max(
            if(
                batches.published_at > timestamp_sub({{ moment() }}, interval 10 minute)
                -- The first minutes say how cold the start was.
                and batches.published_at >= timestamp_add(
                    coalesce(watch.begun_at, timestamp '2000-01-01 00:00:00+00'), interval 5 minute
                ),
                batches.latency_p95_seconds,
                null
            )
        ) as latency_p95_seconds
    from batches
    cross join watch
),

behind as (
    select
        case
            when watch.has_asked_broker
                then greatest(watch.behind_since, coalesce(ledger.newest_kafka_timestamp, watch.behind_since))
            when broker.behind_partitions > 0 then coalesce(ledger.newest_kafka_timestamp, broker.observed_at)
        end as since
    from watch
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
    -- What is pending is neither right nor wrong yet.
    coalesce(
        100 * cast(sum(row_count - failed_count - pending_count) as numeric)
        / nullif(sum(row_count - pending_count), 0),
        100
    ) as value
from {{ ref('reconciliation_summary') }}
union all
select
    'event_to_warehouse_latency_p95_seconds' as metric,
    cast(coalesce(latency_p95_seconds, 0) as numeric) as value
from ledger
union all
select
    'checkpoint_lag_seconds' as metric,
    cast(greatest(coalesce(timestamp_diff({{ moment() }}, since, second), 0), 0) as numeric) as value
from behind
