select
    batch_id,
    disposition,
    currency,
    record_count,
    amount_minor
from {{ source('payment_data', 'batch_ledger_amounts') }}
