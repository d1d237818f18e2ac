with sender as (
    select * from {{ ref('int_control_totals__sender') }}
),

warehouse as (
    select * from {{ ref('int_control_totals__warehouse') }}
),

progress as (
    select * from {{ ref('int_partitions__progress') }}
),

due as (
    select * from {{ ref('int_control_totals__due') }}
),

matched as (
    select
        day,
        topic,
        kafka_partition,
        currency,
        sender.delivered_count is not null as has_sender,
        warehouse.delivered_count is not null as has_warehouse,
        coalesce(sender.delivered_count, 0) as sender_delivered_count,
        coalesce(warehouse.delivered_count, 0) as warehouse_delivered_count,
        coalesce(sender.unique_count, 0) as sender_unique_count,
        coalesce(warehouse.unique_count, 0) as warehouse_unique_count,
        coalesce(sender.delivered_amount_minor, 0) as sender_delivered_amount_minor,
        coalesce(warehouse.delivered_amount_minor, 0) as warehouse_delivered_amount_minor,
        coalesce(sender.unique_amount_minor, 0) as sender_unique_amount_minor,
        coalesce(warehouse.unique_amount_minor, 0) as warehouse_unique_amount_minor,
        coalesce(warehouse.late_count, 0) as warehouse_late_count,
        coalesce(warehouse.late_amount_minor, 0) as warehouse_late_amount_minor,
        sender.delivered_hash_total as sender_hash_total,
        warehouse.delivered_hash_total as warehouse_hash_total,
        sender.max_offset as sender_max_offset,
        warehouse.min_offset as warehouse_min_offset,
        warehouse.max_offset as warehouse_max_offset,
        warehouse.first_batch_id,
        warehouse.last_batch_id
    from sender
    full outer join warehouse using (day, topic, kafka_partition, currency)
),

compared as (
    select
        matched.*,
        progress.reported_max_offset,
        progress.published_end_offset,
        progress.latest_offset,
        progress.unpublished_offsets,
        coalesce(due.is_report_not_yet_due or not due.is_any_sender_known, false) as is_report_not_yet_due,
        due.overdue_senders,
        warehouse_delivered_count < sender_delivered_count
        or warehouse_unique_count + warehouse_late_count < sender_unique_count as is_short,
        warehouse_delivered_count > sender_delivered_count
        or warehouse_unique_count > sender_unique_count as is_over,
        greatest(
            abs(warehouse_delivered_amount_minor - sender_delivered_amount_minor),
            warehouse_unique_amount_minor - sender_unique_amount_minor,
            sender_unique_amount_minor - warehouse_unique_amount_minor - warehouse_late_amount_minor
        ) as amount_at_stake_minor
    from matched
    left join progress
        on matched.topic = progress.topic and matched.kafka_partition = progress.kafka_partition
    left join due
        on
            matched.day = due.day
            and matched.topic = due.topic
            and matched.kafka_partition = due.kafka_partition
            and matched.currency = due.currency
)

select
    *,
    case
        when is_short and coalesce(published_end_offset, 0) <= sender_max_offset then 'NOT_YET_PUBLISHED'
        when is_short and not has_warehouse then 'SENT_NOT_STORED'
        when not is_short and is_over and is_report_not_yet_due then 'NOT_YET_REPORTED'
        when not is_short and is_over and overdue_senders is not null then 'REPORT_OVERDUE'
        when not has_sender then 'NOT_SENT_BUT_STORED'
        when is_short or is_over then 'COUNT_DIFFERS'
        when amount_at_stake_minor != 0 then 'AMOUNT_DIFFERS'
        when sender_hash_total != warehouse_hash_total then 'HASH_DIFFERS'
    end as break_reason
from compared
