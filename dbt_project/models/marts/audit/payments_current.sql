with tombstones as (
    select
        transaction_id,
        min(kafka_timestamp) as deleted_at
    from {{ ref('stg_payments__deliveries') }}
    where disposition = 'QUARANTINED' and 'TOMBSTONE' in unnest(reasons)
    group by transaction_id
)

select
    payments.transaction_id,
    payments.event_time,
    payments.sender_account_id,
    payments.receiver_account_id,
    payments.amount,
    payments.currency,
    payments.country,
    payments.payment_method,
    payments.batch_id,
    tombstones.deleted_at,
    tombstones.deleted_at is not null as is_deleted
from {{ ref('stg_payments__transactions') }} as payments
left join tombstones on payments.transaction_id = tombstones.transaction_id
