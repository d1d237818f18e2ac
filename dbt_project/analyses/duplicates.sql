-- Which payments are delivered again, how often, and do their deliveries agree?
select
    transaction_id,
    first_occurrence_time,
    duplicate_occurrences,
    late_occurrences,
    conflicts,
    timestamp_diff(last_delivered_at, first_delivered_at, second) as spread_seconds,
    delivering_offsets
from {{ ref('deduplication_audit') }}
where occurrences > 1
order by conflicts desc, occurrences desc
limit 100
