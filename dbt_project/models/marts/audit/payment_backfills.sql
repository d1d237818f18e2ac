with swapped as (
    select * from {{ ref('stg_payments__corrections') }}
    where kind in ('BACKFILL_REPLACED', 'BACKFILL_CHOSEN') and amount_minor is not null
)

select
    decided_at,
    decided_by,
    reason,
    currency,
    countif(kind = 'BACKFILL_CHOSEN') as payments,
    sum(if(kind = 'BACKFILL_REPLACED', cast(amount_minor as numeric), 0)) as replaced_amount_minor,
    sum(if(kind = 'BACKFILL_CHOSEN', cast(amount_minor as numeric), 0)) as recomputed_amount_minor,
    min(kafka_timestamp) as first_delivered_at,
    max(kafka_timestamp) as last_delivered_at,
    min(correction_id) as first_correction_id,
    max(correction_id) as last_correction_id
from swapped
group by decided_at, decided_by, reason, currency
