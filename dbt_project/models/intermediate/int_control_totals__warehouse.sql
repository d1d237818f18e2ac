with replays as (
    select * from {{ ref('stg_payments__replays') }}
),

late_deliveries as (
    select * from {{ ref('int_late_deliveries__judged') }}
),

told as (
    select
        {{ told_delivery('deliveries') }},
        coalesce(late_deliveries.is_late_payment, false) as is_late_payment
    from {{ ref('stg_payments__deliveries') }} as deliveries
    left join replays
        on
            deliveries.topic = replays.topic
            and deliveries.kafka_partition = replays.new_partition
            and deliveries.kafka_offset = replays.new_offset
    left join late_deliveries
        on
            deliveries.topic = late_deliveries.topic
            and deliveries.kafka_partition = late_deliveries.kafka_partition
            and deliveries.kafka_offset = late_deliveries.kafka_offset
    where replays.replay_id is null and deliveries.disposition != 'ERASED'
    union all
    select
        {{ told_receipt() }},
        is_late_payment
    from {{ ref('stg_payments__erasures') }}
    where not is_replay
)

select
    day,
    topic,
    kafka_partition,
    currency,
    sum(record_count) as delivered_count,
    sum(amount_minor) as delivered_amount_minor,
    sum(hash_total) as delivered_hash_total,
    sum(if(disposition = 'UNIQUE', record_count, 0)) as unique_count,
    sum(if(disposition = 'UNIQUE', amount_minor, 0)) as unique_amount_minor,
    sum(if(is_late_payment, record_count, 0)) as late_count,
    sum(if(is_late_payment, amount_minor, 0)) as late_amount_minor,
    min(min_offset) as min_offset,
    max(max_offset) as max_offset,
    min(batch_id) as first_batch_id,
    max(batch_id) as last_batch_id
from told
group by day, topic, kafka_partition, currency
