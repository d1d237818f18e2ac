{{ config(tags=['rows'], meta={'dagster': {'ref': {'name': 'payment_transactions_fraud'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- UNIQUE deliveries, with what corrections have put in and less what they have taken out, and payments are the same
-- set, with the same id and money. A row here was published in one table and not, or otherwise, in the other,. Guards
-- every mart that counts. The money is what the newest correction says that put the payment there, if one did: a
-- backfill may have read it otherwise. What was erased has no payment.
with corrections as (
    select * from {{ open_rows('int_corrections__netted') }}
),

said as (
    select
        topic,
        kafka_partition,
        kafka_offset,
        currency,
        amount_minor
    from {{ open_rows('stg_payments__corrections') }}
    where payments_added = 1
    qualify row_number() over (partition by topic, kafka_partition, kafka_offset order by correction_id desc) = 1
),

deliveries as (
    select
        deliveries.topic,
        deliveries.kafka_partition,
        deliveries.kafka_offset,
        deliveries.transaction_id,
        deliveries.event_time,
        coalesce(said.currency, deliveries.currency) as currency,
        coalesce(said.amount_minor, deliveries.amount_minor) as amount_minor
    from {{ open_rows('stg_payments__deliveries') }} as deliveries
    left join corrections
        on
            deliveries.topic = corrections.topic
            and deliveries.kafka_partition = corrections.kafka_partition
            and deliveries.kafka_offset = corrections.kafka_offset
    left join said
        on
            deliveries.topic = said.topic
            and deliveries.kafka_partition = said.kafka_partition
            and deliveries.kafka_offset = said.kafka_offset
    where
        {{ is_open('deliveries.batch_id') }}
        and {{ is_settled('deliveries.batch_id') }}
        and deliveries.disposition != 'ERASED'
        and if(deliveries.disposition = 'UNIQUE', 1, 0) + coalesce(corrections.payments_added, 0) != 0
),

payments as (
    select * from {{ open_rows('stg_payments__transactions') }}
    where {{ is_open() }} and {{ is_settled() }}
)

select
    topic,
    kafka_partition,
    kafka_offset,
    deliveries.transaction_id as delivered_id,
    payments.transaction_id as published_id
from deliveries
full outer join payments using (topic, kafka_partition, kafka_offset)
where
    (deliveries.transaction_id = payments.transaction_id) is not true
    or (deliveries.amount_minor = payments.amount_minor) is not true
    or (deliveries.currency = payments.currency) is not true
    or (deliveries.event_time = payments.event_time) is not true
