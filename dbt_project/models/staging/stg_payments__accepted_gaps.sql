select
    pipeline,
    topic,
    kafka_partition,
    start_offset,
    end_offset,
    accepted_by,
    reason,
    accepted_at
from {{ source('payment_data', 'accepted_gaps') }}
