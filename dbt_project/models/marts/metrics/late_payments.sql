with late_deliveries as (
    select * from {{ ref('int_late_deliveries__judged') }}
),

currencies as (
    select * from {{ ref('currencies') }}
)

select
    date(late_deliveries.event_time) as day,
    late_deliveries.currency,
    late_deliveries.is_published,
    late_deliveries.decision,
    count(*) as late_deliveries,
    count(distinct late_deliveries.transaction_id) as distinct_payments,
    cast(sum(cast(late_deliveries.amount_minor as numeric)) as numeric) as amount_minor,
    cast(sum(late_deliveries.amount_minor * currencies.minor_unit_value) as numeric) as amount,
    countif(late_deliveries.is_late_payment and late_deliveries.decision = 'ADMITTED') as admitted_late_count,
    cast(
        sum(
            if(
                late_deliveries.is_late_payment and late_deliveries.decision = 'ADMITTED',
                late_deliveries.amount_minor,
                0
            ) * currencies.minor_unit_value
        ) as numeric
    ) as admitted_late_amount,
    max(late_deliveries.decided_at) as decided_at
from late_deliveries
inner join currencies on late_deliveries.currency = currencies.currency
group by day, late_deliveries.currency, late_deliveries.is_published, late_deliveries.decision
