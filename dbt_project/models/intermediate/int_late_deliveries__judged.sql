with late_deliveries as (
    select
        *,
        row_number() over (partition by transaction_id order by event_time, kafka_partition, kafka_offset) as occurrence
    from {{ ref('stg_payments__deliveries') }}
    where disposition = 'LATE'
),

published as (
    select transaction_id from {{ ref('stg_payments__transactions') }}
)

select
    late_deliveries.topic,
    late_deliveries.kafka_partition,
    late_deliveries.kafka_offset,
    late_deliveries.transaction_id,
    late_deliveries.event_time,
    late_deliveries.currency,
    late_deliveries.amount_minor,
    published.transaction_id is not null as is_published,
    late_deliveries.occurrence = 1 and published.transaction_id is null as is_unpublished_payment
from late_deliveries
left join published on late_deliveries.transaction_id = published.transaction_id
