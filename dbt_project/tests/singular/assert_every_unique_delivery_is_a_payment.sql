{{ config(meta={'dagster': {'ref': {'name': 'payment_transactions_fraud'}}}) }}
-- UNIQUE deliveries and payments are the same set, with the same id and money. A row here was published in one table
-- and not, or otherwise, in the other. Guards every mart that counts payments.
with deliveries as (
    select * from {{ ref('stg_payments__deliveries') }}
    where disposition = 'UNIQUE'
),

payments as (
    select * from {{ ref('stg_payments__transactions') }}
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
