with deliveries as (
    select * from {{ ref('stg_payments__deliveries') }}
    where disposition = 'IGNORED'
)

select
    date(kafka_timestamp) as day,
    topic,
    array_to_string(reasons, ', ') as rule,
    count(*) as record_count,
    min(kafka_timestamp) as first_delivered_at,
    max(kafka_timestamp) as last_delivered_at,
    min(batch_id) as first_batch_id,
    max(batch_id) as last_batch_id
from deliveries
group by date(kafka_timestamp), topic, array_to_string(reasons, ', ')
