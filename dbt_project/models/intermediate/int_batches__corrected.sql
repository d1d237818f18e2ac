select
    batch_id,
    topic,
    kafka_partition,
    sum(payments_added) as payments_added
from {{ ref('int_corrections__netted') }}
group by batch_id, topic, kafka_partition
