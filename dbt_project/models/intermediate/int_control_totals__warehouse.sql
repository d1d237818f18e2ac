with replays as (
    select * from {{ ref('stg_payments__replays') }}
),

deliveries as (
    select
        deliveries.topic,
        deliveries.kafka_partition,
        deliveries.kafka_offset,
        deliveries.disposition,
        {{ told_day('deliveries') }} as day,
        {{ told_currency('deliveries') }} as currency,
        {{ told_amount_minor('deliveries') }} as amount_minor,
        {{ told_hash('deliveries') }} as hash_part,
        deliveries.batch_id
    from {{ ref('stg_payments__deliveries') }} as deliveries
    left join replays
        on
            deliveries.topic = replays.topic
            and deliveries.kafka_partition = replays.new_partition
            and deliveries.kafka_offset = replays.new_offset
    where replays.replay_id is null and deliveries.disposition != 'ERASED'
),

late_deliveries as (
    select * from {{ ref('int_late_deliveries__judged') }}
),

counted as (
    select
        deliveries.*,
        coalesce(late_deliveries.is_late_payment, false) as is_late_payment
    from deliveries
    left join late_deliveries
        on
            deliveries.topic = late_deliveries.topic
            and deliveries.kafka_partition = late_deliveries.kafka_partition
            and deliveries.kafka_offset = late_deliveries.kafka_offset
),

-- A delivery is one record; a receipt says of erased ones what they were.
told as (
    select
        day,
        topic,
        kafka_partition,
        currency,
        disposition,
        is_late_payment,
        1 as record_count,
        amount_minor,
        hash_part as hash_total,
        kafka_offset as min_offset,
        kafka_offset as max_offset,
        batch_id
    from counted
    union all
    select
        day,
        topic,
        kafka_partition,
        {{ receipt_currency() }} as currency,
        disposition,
        is_late_payment,
        record_count,
        {{ receipt_amount_minor() }} as amount_minor,
        hash_total,
        min_offset,
        max_offset,
        batch_id
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
