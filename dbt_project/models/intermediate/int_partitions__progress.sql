with published as (
    select
        topic,
        kafka_partition,
        max(end_offset) as published_end_offset
    from {{ ref('stg_payments__batch_partitions') }}
    group by topic, kafka_partition
),

reported as (
    select
        topic,
        kafka_partition,
        max(max_offset) as reported_max_offset
    from {{ ref('stg_payments__control_totals') }}
    group by topic, kafka_partition
),

broker as (
    select
        topic,
        kafka_partition,
        latest_offset
    from {{ ref('stg_payments__kafka_offsets') }}
)

select
    topic,
    kafka_partition,
    published.published_end_offset,
    reported.reported_max_offset,
    broker.latest_offset,
    greatest(broker.latest_offset - coalesce(published.published_end_offset, 0), 0) as unpublished_offsets
from published
full outer join reported using (topic, kafka_partition)
full outer join broker using (topic, kafka_partition)
