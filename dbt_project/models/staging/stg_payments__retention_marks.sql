select
    kept,
    kept_from,
    last_batch_id,
    marked_by,
    marked_at
from {{ source('payment_data', 'retention_marks') }}
