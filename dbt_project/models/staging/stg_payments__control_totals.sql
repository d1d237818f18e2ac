select
    source,
    reported_at,
    day,
    topic,
    kafka_partition,
    currency,
    delivered_count,
    delivered_amount_minor,
    delivered_hash_total,
    unique_count,
    unique_amount_minor,
    max_offset,
    report_sha256
from {{ source('payment_data', 'sender_control_totals') }}
