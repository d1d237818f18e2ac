-- What senders reported, by full outer join with what the warehouse holds; and what the broker gave out, by full outer
-- join with both, which it can say of a partition only: in those rows day, currency and money are NULL.
with matched as (
    select
        day,
        topic,
        kafka_partition,
        currency,
        has_sender,
        has_warehouse,
        sender_delivered_count,
        warehouse_delivered_count,
        sender_unique_count,
        warehouse_unique_count,
        cast(sender_delivered_amount_minor as numeric) as sender_delivered_amount_minor,
        cast(warehouse_delivered_amount_minor as numeric) as warehouse_delivered_amount_minor,
        cast(sender_unique_amount_minor as numeric) as sender_unique_amount_minor,
        cast(warehouse_unique_amount_minor as numeric) as warehouse_unique_amount_minor,
        warehouse_late_count,
        cast(warehouse_late_amount_minor as numeric) as warehouse_late_amount_minor,
        cast(amount_at_stake_minor as numeric) as amount_at_stake_minor,
        cast(sender_hash_total as numeric) as sender_hash_total,
        cast(warehouse_hash_total as numeric) as warehouse_hash_total,
        cast(null as int64) as kafka_count,
        sender_max_offset,
        warehouse_min_offset,
        warehouse_max_offset,
        first_batch_id,
        last_batch_id,
        published_end_offset,
        latest_offset,
        break_reason,
        if(break_reason = 'REPORT_OVERDUE', overdue_senders, null) as overdue_senders
    from {{ ref('int_control_totals__compared') }}
    union all
    select
        cast(null as date) as day,
        topic,
        kafka_partition,
        cast(null as string) as currency,
        reported_count is not null as has_sender,
        stored_count > 0 as has_warehouse,
        coalesce(reported_count, 0) as sender_delivered_count,
        stored_count as warehouse_delivered_count,
        cast(null as int64) as sender_unique_count,
        cast(null as int64) as warehouse_unique_count,
        cast(null as numeric) as sender_delivered_amount_minor,
        cast(null as numeric) as warehouse_delivered_amount_minor,
        cast(null as numeric) as sender_unique_amount_minor,
        cast(null as numeric) as warehouse_unique_amount_minor,
        cast(null as int64) as warehouse_late_count,
        cast(null as numeric) as warehouse_late_amount_minor,
        cast(null as numeric) as amount_at_stake_minor,
        cast(null as numeric) as sender_hash_total,
        cast(null as numeric) as warehouse_hash_total,
        kafka_count,
        reported_max_offset as sender_max_offset,
        min_offset as warehouse_min_offset,
        max_offset as warehouse_max_offset,
        first_batch_id,
        last_batch_id,
        published_end_offset,
        latest_offset,
        break_reason,
        cast(null as string) as overdue_senders
    from {{ ref('int_partitions__matched') }}
)

select
    *,
    greatest(latest_offset - coalesce(published_end_offset, 0), 0) as unpublished_offsets,
    case
        when break_reason is null then 'PASS'
        when break_reason in ('NOT_YET_PUBLISHED', 'NOT_YET_REPORTED', 'BROKER_NOT_YET_ASKED') then 'PENDING'
        else 'FAIL'
    end as status
from matched
