with written as (
    select
        label,
        event_time,
        kafka_timestamp,
        case label
            when 'country' then json_value(dropped_labels, '$.country')
            when 'device_id' then json_value(dropped_labels, '$.device_id')
            when 'device_type' then json_value(dropped_labels, '$.device_type')
            when 'ip_address' then json_value(dropped_labels, '$.ip_address')
            when 'payment_method' then json_value(dropped_labels, '$.payment_method')
            when 'merchant_category' then json_value(dropped_labels, '$.merchant_category')
            when 'original_transaction_id' then json_value(dropped_labels, '$.original_transaction_id')
            when 'status' then json_value(dropped_labels, '$.status')
        end as written_value
    from {{ ref('stg_payments__transactions') }}
    cross join
        unnest(
            [
                'country',
                'device_id',
                'device_type',
                'ip_address',
                'payment_method',
                'merchant_category',
                'original_transaction_id',
                'status'
            ]
        ) as label
    where dropped_labels is not null
)

select
    label,
    written_value,
    count(*) as payment_count,
    min(event_time) as first_event_time,
    max(event_time) as last_event_time,
    max(kafka_timestamp) as last_delivered_at
from written
where written_value is not null
group by label, written_value
