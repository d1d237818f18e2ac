with late_deliveries as (
    select
        *,
        row_number() over (partition by transaction_id order by event_time, kafka_partition, kafka_offset) as occurrence
    from {{ ref('stg_payments__deliveries') }}
    where disposition = 'LATE'
),

published as (
    select transaction_id from {{ ref('stg_payments__transactions') }}
),

decided as (
    select
        transaction_id,
        max(decided_at) as decided_at,
        logical_or(kind = 'ADMITTED_LATE') as is_admitted
    from {{ ref('stg_payments__corrections') }}
    where kind in ('ADMITTED_LATE', 'REJECTED_LATE')
    group by transaction_id
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
    case
        when decided.is_admitted then 'ADMITTED'
        when published.transaction_id is not null then 'DUPLICATE'
        when decided.transaction_id is not null then 'REJECTED'
        else 'UNDECIDED'
    end as decision,
    decided.decided_at,
    late_deliveries.occurrence = 1
    and (published.transaction_id is null or coalesce(decided.is_admitted, false)) as is_late_payment
from late_deliveries
left join published on late_deliveries.transaction_id = published.transaction_id
left join decided on late_deliveries.transaction_id = decided.transaction_id
