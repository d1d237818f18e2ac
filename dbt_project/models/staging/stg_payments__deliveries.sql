select
    topic,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    disposition,
    reasons,
    transaction_id,
    event_time,
    currency,
    amount_minor,
    payload_hash,
    value_sha256,
    raw_key,
    raw_value,
    headers,
    batch_id,
    disposition not in ('QUARANTINED', 'IGNORED', 'ERASED') as is_valid
from {{ source('payment_raw', 'payment_deliveries') }}
