{{
    config(**kept_rows(
        ['since_batch_id', 'day', 'topic', 'kafka_partition', 'currency', 'disposition'], by='since_published_at'
    ))
}}
{%- set scope = delivery_scope() %}
{{ scope_line(scope, 'since_published_at') }}
with replays as (
    select * from {{ ref('stg_payments__replays') }}
),

-- An erasure leaves the sums as they were: a receipt says of what is gone what its deliveries said.
told as (
    select
        {{ told_delivery('deliveries') }}
    from {{ ref('stg_payments__deliveries') }} as deliveries
    left join replays
        on
            deliveries.topic = replays.topic
            and deliveries.kafka_partition = replays.new_partition
            and deliveries.kafka_offset = replays.new_offset
    where
        replays.replay_id is null
        and deliveries.disposition != 'ERASED'
        and {{ is_delivered_in(scope, 'deliveries') }}
    union all
    select
        {{ told_receipt() }}
    from {{ ref('stg_payments__erasures') }}
    where not is_replay and {{ is_batch_in(scope) }}
)

select
    {{ scope.since_batch | default(1, true) }} as since_batch_id,
    {{ scope.since_published | default('timestamp(day)', true) }} as since_published_at,
    day,
    topic,
    kafka_partition,
    currency,
    disposition,
    sum(record_count) as record_count,
    cast(sum(amount_minor) as numeric) as amount_minor,
    cast(sum(hash_total) as numeric) as hash_total,
    min(min_offset) as min_offset,
    max(max_offset) as max_offset,
    min(batch_id) as first_batch_id,
    max(batch_id) as last_batch_id
from told
group by day, topic, kafka_partition, currency, disposition
