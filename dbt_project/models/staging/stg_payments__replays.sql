select
    replay_id,
    topic,
    kafka_partition,
    kafka_offset,
    new_partition,
    sent_from_offset,
    new_offset,
    value_sha256,
    requested_by,
    reason,
    requested_at,
    replayed_at,
    replay_hash
from {{ source('payment_data', 'payment_replays') }}
