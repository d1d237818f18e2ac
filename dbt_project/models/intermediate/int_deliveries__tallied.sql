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
    countif(disposition = 'QUARANTINED') as quarantined_count
from {{ ref('stg_payments__deliveries') }}
group by batch_id, topic, kafka_partition
