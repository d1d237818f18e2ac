select
    topic,
    kafka_partition,
    kafka_offset,
    kafka_timestamp,
    reasons,
    array_to_string(reasons, ', ') as reason_text,
    transaction_id,
    raw_key,
    raw_value,
    {{ safe_text('raw_value') }} as raw_text,
    value_sha256,
    batch_id
from {{ ref('stg_payments__deliveries') }}
where disposition = 'QUARANTINED'
