with ledger as (
    select
        *,
        lag(end_offset) over (partition by topic, kafka_partition order by batch_id) as previous_end_offset,
        sum(delivered) over (partition by batch_id) as delivered_in_partitions
    from {{ ref('stg_payments__batch_partitions') }}
),

batches as (
    select
        batch_id,
        sum(delivered) as delivered_in_batch
    from {{ ref('stg_payments__batches') }}
    group by batch_id
),

payments as (
    select
        batch_id,
        topic,
        kafka_partition,
        count(*) as payment_count
    from {{ ref('stg_payments__transactions') }}
    group by batch_id, topic, kafka_partition
),

matched as (
    select
        batch_id,
        topic,
        kafka_partition,
        ledger.delivered is not null and batches.batch_id is not null as has_ledger,
        deliveries.delivered is not null as has_deliveries,
        ledger.previous_end_offset,
        coalesce(accepted.accepted_offsets, 0) as accepted_offsets,
        ledger.start_offset,
        ledger.end_offset,
        ledger.delivered as ledger_delivered,
        ledger.unique_count as ledger_unique,
        ledger.duplicate_count as ledger_duplicate,
        ledger.late_count as ledger_late,
        ledger.quarantined_count as ledger_quarantined,
        ledger.ignored_count as ledger_ignored,
        coalesce(ledger.hole_count, 0) as ledger_holes,
        ledger.delivered_in_partitions = batches.delivered_in_batch as is_batch_total_right,
        deliveries.min_offset,
        deliveries.max_offset,
        coalesce(deliveries.distinct_offsets, 0) as distinct_offsets,
        coalesce(deliveries.delivered, 0) as counted_delivered,
        coalesce(deliveries.unique_count, 0) as counted_unique,
        coalesce(deliveries.duplicate_count, 0) as counted_duplicate,
        coalesce(deliveries.late_count, 0) as counted_late,
        coalesce(deliveries.quarantined_count, 0) as counted_quarantined,
        coalesce(deliveries.ignored_count, 0) as counted_ignored,
        coalesce(deliveries.erased_count, 0) as counted_erased,
        coalesce(payments.payment_count, 0) as counted_payments,
        coalesce(corrections.payments_added, 0) as corrected_payments,
        coalesce(deliveries.payments_removed, 0) as erased_payments
    from ledger
    full outer join {{ ref('int_deliveries__tallied') }} as deliveries using (batch_id, topic, kafka_partition)
    full outer join payments using (batch_id, topic, kafka_partition)
    left join {{ ref('int_batches__accepted_gaps') }} as accepted using (batch_id, topic, kafka_partition)
    left join {{ ref('int_batches__corrected') }} as corrections using (batch_id, topic, kafka_partition)
    left join batches using (batch_id)
),

judged as (
    select
        *,
        case
            when not has_ledger then 'NOT IN LEDGER'
            when
                ledger_delivered
                != ledger_unique + ledger_duplicate + ledger_late + ledger_quarantined + ledger_ignored
                or not is_batch_total_right
                then 'LEDGER DOES NOT ADD UP'
            when end_offset - start_offset != ledger_delivered + ledger_holes then 'OFFSET RANGE DIFFERS FROM DELIVERED'
            when start_offset > previous_end_offset + accepted_offsets then 'OFFSETS SKIPPED BEFORE BATCH'
            when start_offset < previous_end_offset + accepted_offsets then 'OFFSETS PUBLISHED TWICE'
            when distinct_offsets < counted_delivered then 'DELIVERY STORED TWICE'
            when counted_delivered < ledger_delivered then 'DELIVERIES MISSING'
            when counted_delivered > ledger_delivered then 'DELIVERIES NOT IN LEDGER'
            when min_offset < start_offset or max_offset >= end_offset then 'DELIVERY OUTSIDE OFFSET RANGE'
            when
                counted_unique != ledger_unique
                or counted_duplicate != ledger_duplicate
                or counted_late != ledger_late
                or counted_quarantined != ledger_quarantined
                or counted_ignored != ledger_ignored
                then 'DISPOSITIONS DIFFER'
            when counted_payments < ledger_unique + corrected_payments - erased_payments then 'PAYMENTS MISSING'
            when counted_payments > ledger_unique + corrected_payments - erased_payments then 'PAYMENTS NOT IN LEDGER'
        end as break_reason
    from matched
)

select
    * except (is_batch_total_right, min_offset, max_offset, distinct_offsets),
    if(break_reason is null, 'PASS', 'FAIL') as status
from judged
