with deliveries as (
    select * from {{ ref('stg_payments__deliveries') }}
    where disposition = 'QUARANTINED'
),

replays as (
    select * from {{ ref('stg_payments__replays') }}
)

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
    headers,
    deliveries.value_sha256,
    batch_id,
    replays.new_partition as replayed_partition,
    replays.new_offset as replayed_offset,
    replays.requested_at as replay_requested_at
from deliveries
left join replays using (topic, kafka_partition, kafka_offset)
