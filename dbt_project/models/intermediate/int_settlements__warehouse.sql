-- What counts in the warehouse on the days that providers report, by their zone: only these days are read.
with reported as (
    select distinct
        zone,
        day
    from {{ ref('stg_payments__settlement_totals') }}
    where day > date_sub(date({{ moment() }}), interval {{ var('settlement_days') }} day)
),

currencies as (
    select * from {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as listed
),

counted as (
    select
        reported.day,
        metrics.currency,
        sum(metrics.payment_count) as payment_count,
        sum(metrics.amount_sum) as amount
    from {{ ref('payment_metrics') }} as metrics
    inner join reported on date(metrics.window_start, reported.zone) = reported.day
    -- The days above, and a day to spare for their zones.
    where
        metrics.window_start
        > timestamp_sub({{ moment() }}, interval {{ var('settlement_days') | int + 2 }} day)
    group by reported.day, metrics.currency
),

-- A late payment that does not count: the provider may count it or not.
late as (
    select
        reported.day,
        judged.currency,
        count(*) as late_count,
        sum(cast(judged.amount_minor as numeric)) as late_amount_minor
    from {{ ref('int_late_deliveries__judged') }} as judged
    inner join reported on date(judged.event_time, reported.zone) = reported.day
    where judged.is_late_payment and not judged.is_published
    group by reported.day, judged.currency
),

-- A receipt says the day of UTC alone: what was erased on a neighbouring day may have been of this one.
erased as (
    select
        reported.day,
        erasures.currency,
        sum(erasures.payments_removed) as erased_count,
        sum(cast(erasures.amount_minor as numeric)) as erased_amount_minor
    from {{ ref('stg_payments__erasures') }} as erasures
    inner join reported
        on
            erasures.day between date_sub(reported.day, interval 1 day) and date_add(reported.day, interval 1 day)
    where erasures.payments_removed > 0
    group by reported.day, erasures.currency
)

select
    day,
    currency,
    coalesce(counted.payment_count, 0) as payment_count,
    cast(round(coalesce(counted.amount, 0) / currencies.minor_unit_value) as numeric) as amount_minor,
    coalesce(late.late_count, 0) as late_count,
    coalesce(late.late_amount_minor, 0) as late_amount_minor,
    coalesce(erased.erased_count, 0) as erased_count,
    coalesce(erased.erased_amount_minor, 0) as erased_amount_minor
from counted
full outer join late using (day, currency)
full outer join erased using (day, currency)
left join currencies using (currency)
