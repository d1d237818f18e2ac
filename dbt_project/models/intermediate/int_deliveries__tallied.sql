with deliveries as (
    select
        batch_id,
        topic,
        kafka_partition,
        count(*) as delivered,
        count(distinct kafka_offset) as distinct_offsets,
        min(kafka_offset) as min_offset,
        max(kafka_offset) as max_offset,
        countif(disposition = 'UNIQUE') as unique_count,
        countif(disposition = 'DUPLICATE') as duplicate_count,
        countif(disposition = 'LATE') as late_count,
        countif(disposition = 'QUARANTINED') as quarantined_count,
        countif(disposition = 'IGNORED') as ignored_count,
        countif(disposition = 'ERASED') as erased_count
    from {{ ref('stg_payments__deliveries') }}
    group by batch_id, topic, kafka_partition
),

receipts as (
    select
        batch_id,
        topic,
        kafka_partition,
        sum(if(disposition = 'UNIQUE', record_count, 0)) as unique_count,
        sum(if(disposition = 'DUPLICATE', record_count, 0)) as duplicate_count,
        sum(if(disposition = 'LATE', record_count, 0)) as late_count,
        sum(if(disposition = 'QUARANTINED', record_count, 0)) as quarantined_count,
        sum(if(disposition = 'IGNORED', record_count, 0)) as ignored_count,
        sum(payments_removed) as payments_removed
    from {{ ref('stg_payments__erasures') }}
    group by batch_id, topic, kafka_partition
)

select
    batch_id,
    topic,
    kafka_partition,
    deliveries.delivered,
    deliveries.distinct_offsets,
    deliveries.min_offset,
    deliveries.max_offset,
    deliveries.erased_count,
    deliveries.unique_count + coalesce(receipts.unique_count, 0) as unique_count,
    deliveries.duplicate_count + coalesce(receipts.duplicate_count, 0) as duplicate_count,
    deliveries.late_count + coalesce(receipts.late_count, 0) as late_count,
    deliveries.quarantined_count + coalesce(receipts.quarantined_count, 0) as quarantined_count,
    deliveries.ignored_count + coalesce(receipts.ignored_count, 0) as ignored_count,
    coalesce(receipts.payments_removed, 0) as payments_removed
from deliveries
left join receipts using (batch_id, topic, kafka_partition)
