with ledger as (
    select
        topic,
        kafka_partition,
        min(start_offset) as first_offset,
        max(end_offset) as published_end_offset,
        sum(coalesce(hole_count, 0)) as hole_count
    from {{ ref('stg_payments__batch_partitions') }}
    group by topic, kafka_partition
),

accepted as (
    select
        topic,
        kafka_partition,
        sum(gaps.end_offset - gaps.start_offset) as accepted_offsets
    from ledger
    inner join {{ ref('stg_payments__accepted_gaps') }} as gaps using (topic, kafka_partition)
    where gaps.end_offset <= ledger.published_end_offset
    group by topic, kafka_partition
),

stored as (
    select
        topic,
        kafka_partition,
        sum(delivered) as stored_count,
        min(batch_id) as first_batch_id,
        max(batch_id) as last_batch_id,
        min(min_offset) as min_offset,
        max(max_offset) as max_offset
    from {{ ref('int_deliveries__tallied') }}
    group by topic, kafka_partition
),

-- Where to look: batches whose stored records are not as many as their offsets.
odd_batches as (
    select
        topic,
        kafka_partition,
        min(batch_id) as first_batch_id,
        max(batch_id) as last_batch_id,
        min(planned.start_offset) as min_offset,
        max(planned.end_offset) - 1 as max_offset
    from {{ ref('stg_payments__batch_partitions') }} as planned
    left join {{ ref('int_deliveries__tallied') }} as tallied using (batch_id, topic, kafka_partition)
    where planned.end_offset - planned.start_offset - coalesce(planned.hole_count, 0) != coalesce(tallied.delivered, 0)
    group by topic, kafka_partition
),

reported as (
    select
        topic,
        kafka_partition,
        sum(delivered_count) as reported_count,
        max(max_offset) as reported_max_offset,
        max(reported_at) as reported_at
    from {{ ref('stg_payments__control_totals') }}
    group by topic, kafka_partition
),

broker as (
    select * from {{ ref('stg_payments__kafka_offsets') }}
),

newest as (
    select max(published_at) as published_at from {{ ref('stg_payments__batches') }}
),

matched as (
    select
        topic,
        kafka_partition,
        reported.reported_count,
        reported.reported_max_offset,
        broker.latest_offset,
        ledger.published_end_offset,
        coalesce(stored.stored_count, 0) as stored_count,
        least(broker.latest_offset, coalesce(ledger.published_end_offset, broker.latest_offset))
        - coalesce(ledger.first_offset, broker.latest_offset) - coalesce(accepted.accepted_offsets, 0)
        - coalesce(ledger.hole_count, 0) as kafka_count,
        coalesce(odd_batches.first_batch_id, stored.first_batch_id) as first_batch_id,
        coalesce(odd_batches.last_batch_id, stored.last_batch_id) as last_batch_id,
        coalesce(odd_batches.min_offset, stored.min_offset) as min_offset,
        coalesce(odd_batches.max_offset, stored.max_offset) as max_offset,
        -- Their clocks differ a little: a minute later is later.
        timestamp_diff(broker.observed_at, coalesce(newest.published_at, timestamp '2000-01-01'), second) >= 60
        and timestamp_diff(broker.observed_at, coalesce(reported.reported_at, timestamp '2000-01-01'), second) >= 60
            as is_observed_since
    from broker
    full outer join ledger using (topic, kafka_partition)
    full outer join stored using (topic, kafka_partition)
    full outer join reported using (topic, kafka_partition)
    left join accepted using (topic, kafka_partition)
    left join odd_batches using (topic, kafka_partition)
    cross join newest
)

select
    *,
    case
        when
            is_observed_since
            and (latest_offset < published_end_offset or latest_offset <= reported_max_offset)
            then 'KAFKA_SHORT'
        when latest_offset >= published_end_offset and kafka_count < stored_count then 'KAFKA_SHORT'
        when latest_offset >= published_end_offset and kafka_count > stored_count then 'KAFKA_EXTRA'
        when latest_offset is null or latest_offset < published_end_offset or latest_offset <= reported_max_offset
            then 'BROKER_NOT_YET_ASKED'
    end as break_reason
from matched
