-- How fast are we? Records and payments per second of each batch, newest first.
select
    batch_id,
    published_at,
    delivered,
    unique_count,
    timestamp_diff(published_at, started_at, millisecond) / 1000 as batch_seconds,
    safe_divide(delivered, timestamp_diff(published_at, started_at, millisecond) / 1000) as records_per_second,
    latency_p50_seconds,
    latency_p95_seconds
from {{ ref('stg_payments__batches') }}
order by batch_id desc
limit 100
