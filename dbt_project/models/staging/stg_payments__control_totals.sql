select
    source,
    reported_at,
    day,
    topic,
    kafka_partition,
    currency,
    delivered_count,
    delivered_amount_minor,
    unique_count,
    unique_amount_minor,
    max_offset
from {{ source('payment_data', 'sender_control_totals') }}
