-- What providers say they settled, against what counts in the warehouse, by day in their zone and currency. All reports
-- of a day are added up, and held against all payments: a record does not say which provider it is of.
with reports as (
    select
        zone,
        day,
        currency,
        sum(payment_count) as reported_count,
        sum(cast(amount_minor as numeric)) as reported_amount_minor
    from {{ ref('stg_payments__settlement_totals') }}
    where day > date_sub(date({{ moment() }}), interval {{ var('settlement_days') }} day)
    group by zone, day, currency
),

published as (
    select max(max_kafka_timestamp) as newest_kafka_timestamp from {{ ref('stg_payments__batches') }}
),

behind as (
    select coalesce(logical_or(unpublished_offsets > 0), false) as has_unpublished
    from {{ ref('int_partitions__progress') }}
),

matched as (
    select
        day,
        currency,
        coalesce(reports.reported_count, 0) as reported_count,
        coalesce(reports.reported_amount_minor, 0) as reported_amount_minor,
        coalesce(stored.payment_count, 0) as payment_count,
        coalesce(stored.amount_minor, 0) as amount_minor,
        coalesce(stored.late_count, 0) as late_count,
        coalesce(stored.late_amount_minor, 0) as late_amount_minor,
        coalesce(stored.erased_count, 0) as erased_count,
        coalesce(stored.erased_amount_minor, 0) as erased_amount_minor
    from reports
    full outer join {{ ref('int_settlements__warehouse') }} as stored using (day, currency)
),

compared as (
    select
        days.zone,
        matched.*,
        days.missing_providers,
        matched.payment_count + matched.late_count + matched.erased_count < matched.reported_count as is_short,
        matched.payment_count > matched.reported_count as is_over,
        greatest(
            matched.amount_minor - matched.reported_amount_minor,
            matched.reported_amount_minor - matched.amount_minor
            - matched.late_amount_minor - matched.erased_amount_minor,
            0
        ) as amount_at_stake_minor,
        {{ moment() }} < days.ended_at
        or (behind.has_unpublished and published.newest_kafka_timestamp < timestamp_add(days.ended_at, interval 1 hour))
            as is_not_yet_published,
        {{ moment() }} < timestamp_add(days.ended_at, interval {{ var('settlement_due_days') }} day) as is_not_yet_due
    from matched
    inner join {{ ref('int_settlements__days') }} as days on matched.day = days.day
    cross join published
    cross join behind
),

named as (
    select
        *,
        case
            when is_short and is_not_yet_published then 'NOT_YET_PUBLISHED'
            when not is_short and is_over and missing_providers is not null and is_not_yet_due then 'NOT_YET_REPORTED'
            when not is_short and is_over and missing_providers is not null then 'REPORT_OVERDUE'
            when is_short or is_over then 'COUNT_DIFFERS'
            when amount_at_stake_minor > 0 then 'AMOUNT_DIFFERS'
        end as break_reason
    from compared
)

select
    zone,
    day,
    currency,
    reported_count,
    payment_count,
    cast(reported_amount_minor as numeric) as reported_amount_minor,
    cast(amount_minor as numeric) as amount_minor,
    late_count,
    erased_count,
    cast(amount_at_stake_minor as numeric) as amount_at_stake_minor,
    missing_providers,
    break_reason,
    case
        when break_reason is null then 'PASS'
        when break_reason in ('NOT_YET_PUBLISHED', 'NOT_YET_REPORTED') then 'PENDING'
        else 'FAIL'
    end as status
from named
