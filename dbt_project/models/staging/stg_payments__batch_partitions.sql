select
    batch_id,
    topic,
    kafka_partition,
    start_offset,
    end_offset,
    delivered,
    unique_count,
    duplicate_count,
    late_count,
    quarantined_count,
    coalesce(ignored_count, 0) as ignored_count,
    hole_count
from {{ source('payment_data', 'batch_ledger_partitions') }}
