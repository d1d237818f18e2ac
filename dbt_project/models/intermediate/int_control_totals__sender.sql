select
    day,
    topic,
    kafka_partition,
    currency,
    sum(delivered_count) as delivered_count,
    sum(cast(delivered_amount_minor as numeric)) as delivered_amount_minor,
    -- A report without a hash total leaves nothing to compare.
    if(
        countif(delivered_hash_total is null) = 0, cast(sum(delivered_hash_total) as numeric), null
    ) as delivered_hash_total,
    sum(unique_count) as unique_count,
    sum(cast(unique_amount_minor as numeric)) as unique_amount_minor,
    max(max_offset) as max_offset
from {{ ref('stg_payments__control_totals') }}
group by day, topic, kafka_partition, currency
