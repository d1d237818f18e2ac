select
    topic,
    kafka_partition,
    earliest_offset,
    latest_offset,
    observed_at
from {{ source('payment_data', 'kafka_offsets') }}
