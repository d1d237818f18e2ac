-- Does the deduplication state grow without bound? Keys and bytes after each batch, beside the watermark that evicts.
select
    batch_id,
    published_at,
    next_watermark,
    state_keys,
    state_bytes,
    safe_divide(state_bytes, state_keys) as bytes_per_key,
    state_bytes - lag(state_bytes) over (order by batch_id) as growth_bytes
from {{ ref('stg_payments__batches') }}
order by batch_id desc
limit 100
