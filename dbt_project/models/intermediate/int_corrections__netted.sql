select
    topic,
    kafka_partition,
    kafka_offset,
    batch_id,
    sum(payments_added) as payments_added,
    max(correction_id) as correction_id,
    logical_or(kind = 'ADMITTED_LATE') as is_admitted_late
from {{ ref('stg_payments__corrections') }}
where payments_added != 0
group by topic, kafka_partition, kafka_offset, batch_id
