with deliveries as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        disposition,
        date(if(is_valid, event_time, kafka_timestamp)) as day,
        if(is_valid, currency, '') as currency,
        cast(if(is_valid, amount_minor, 0) as numeric) as amount_minor
    from {{ ref('stg_payments__deliveries') }}
),

late_deliveries as (
    select * from {{ ref('int_late_deliveries__judged') }}
),

counted as (
    select
        deliveries.*,
        coalesce(late_deliveries.is_unpublished_payment, false) as is_late_payment
    from deliveries
    left join late_deliveries
        on
            deliveries.topic = late_deliveries.topic
            and deliveries.kafka_partition = late_deliveries.kafka_partition
            and deliveries.kafka_offset = late_deliveries.kafka_offset
)

select
    day,
    topic,
    kafka_partition,
    currency,
    count(*) as delivered_count,
    sum(amount_minor) as delivered_amount_minor,
    countif(disposition = 'UNIQUE') as unique_count,
    sum(if(disposition = 'UNIQUE', amount_minor, 0)) as unique_amount_minor,
    countif(is_late_payment) as late_count,
    sum(if(is_late_payment, amount_minor, 0)) as late_amount_minor,
    max(kafka_offset) as max_offset
from counted
group by day, topic, kafka_partition, currency
