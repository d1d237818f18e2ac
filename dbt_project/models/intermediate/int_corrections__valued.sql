with corrections as (
    select * from {{ ref('stg_payments__corrections') }}
    -- What was erased says nothing any more.
    where payments_added != 0 and transaction_id is not null
),

regions as (
    select * from {{ one_row_each(ref('country_regions'), 'country', 'region') }} as country_regions
)

select
    corrections.correction_id,
    corrections.kind,
    corrections.payments_added,
    corrections.transaction_id,
    corrections.event_time,
    corrections.amount,
    corrections.currency,
    corrections.topic,
    corrections.kafka_partition,
    corrections.kafka_offset,
    corrections.batch_id,
    corrections.decided_at,
    corrections.payment_kind,
    corrections.status,
    coalesce(corrections.payment_method, 'unknown') as payment_method,
    coalesce(regions.region, 'UNKNOWN') as region
from corrections
left join regions on corrections.country = regions.country
