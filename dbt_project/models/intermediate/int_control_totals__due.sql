-- Who could still report what the warehouse holds, and who should have. A record does not say which sender it is of: so
-- a surplus is pending as long as any sender has time for it, and overdue once one that reports at all has none left.
with senders as (
    select
        sender,
        due_after,
        due_seconds,
        expected_from,
        sender = 'any other' as is_any_other,
        logical_or(source is not null) as has_reported
    from {{ ref('int_senders__scheduled') }}
    group by sender, due_after, due_seconds, expected_from
),

reported as (
    select
        schedules.sender,
        totals.topic,
        totals.kafka_partition,
        max(totals.max_offset) as reported_max_offset
    from {{ ref('stg_payments__control_totals') }} as totals
    inner join {{ ref('int_senders__scheduled') }} as schedules on totals.source = schedules.source
    group by schedules.sender, totals.topic, totals.kafka_partition
),

batches as (
    select
        batch_id,
        max(published_at) as published_at
    from {{ ref('stg_payments__batches') }}
    group by batch_id
),

-- The time of this comparison, as data has it: when the broker was last asked.
asked as (
    select max(observed_at) as observed_at from {{ ref('stg_payments__kafka_offsets') }}
),

owed as (
    select
        stored.day,
        stored.topic,
        stored.kafka_partition,
        stored.currency,
        senders.sender,
        senders.is_any_other,
        senders.due_after,
        senders.has_reported or coalesce(senders.expected_from <= stored.day, false) as is_known,
        coalesce(stored.max_offset <= reported.reported_max_offset, false) as is_covered,
        -- What is published long after its day gets the default's time at least.
        asked.observed_at < greatest(
            timestamp_add(
                coalesce(batches.published_at, timestamp '2000-01-01 00:00:00+00'),
                interval if(
                    senders.due_after = 'PUBLICATION', senders.due_seconds, {{ var('sender_report_due_seconds') }}
                ) second
            ),
            if(
                senders.due_after = 'DAY_END',
                timestamp_add(timestamp(date_add(stored.day, interval 1 day)), interval senders.due_seconds second),
                timestamp '2000-01-01 00:00:00+00'
            )
        ) as is_not_yet_due
    from {{ ref('int_control_totals__warehouse') }} as stored
    cross join senders
    cross join asked
    left join reported
        on
            senders.sender = reported.sender
            and stored.topic = reported.topic
            and stored.kafka_partition = reported.kafka_partition
    left join batches on stored.last_batch_id = batches.batch_id
)

select
    day,
    topic,
    kafka_partition,
    currency,
    -- A daily report past the records has closed them; of a sender that reports piece by piece another may follow.
    logical_or(
        coalesce(is_not_yet_due, false)
        and (is_known or is_any_other)
        and (due_after = 'PUBLICATION' or not is_covered)
    ) as is_report_not_yet_due,
    logical_or(is_known) as is_any_sender_known,
    string_agg(
        if(is_known and not is_covered and not coalesce(is_not_yet_due, false), sender, null), ', '
        order by sender
    ) as overdue_senders
from owed
group by day, topic, kafka_partition, currency
