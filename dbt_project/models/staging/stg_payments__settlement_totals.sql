select
    source,
    reported_at,
    zone,
    day,
    currency,
    payment_count,
    amount_minor,
    report_sha256,
    mapping_sha256
from {{ source('payment_data', 'sender_settlement_totals') }}
