with judged as (
    select * from {{ ref('int_late_deliveries__judged') }}
),

currencies as (
    select * from {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as listed
)

select
    date(judged.event_time) as day,
    judged.currency,
    judged.is_published,
    judged.decision,
    count(*) as late_deliveries,
    count(distinct judged.transaction_id) as distinct_payments,
    cast(sum(cast(judged.amount_minor as numeric)) as numeric) as amount_minor,
    cast(sum(judged.amount_minor * currencies.minor_unit_value) as numeric) as amount,
    countif(judged.is_late_payment and judged.decision = 'ADMITTED') as admitted_late_count,
    cast(
        sum(
            if(
                judged.is_late_payment and judged.decision = 'ADMITTED',
                judged.amount_minor,
                0
            ) * currencies.minor_unit_value
        ) as numeric
    ) as admitted_late_amount,
    max(judged.decided_at) as decided_at
from judged
left join currencies on judged.currency = currencies.currency
group by day, judged.currency, judged.is_published, judged.decision
