with payments as (
    select
        event_time,
        amount_eur,
        row_number() over (partition by transaction_id order by event_time, kafka_partition, kafka_offset) as occurrence
    from {{ ref('int_payments__valued') }}
),

days as (
    select
        date(event_time) as day,
        count(*) as total_count,
        countif(occurrence = 1) as unique_count,
        cast(sum(amount_eur) as numeric) as total_amount_eur,
        cast(sum(if(occurrence = 1, amount_eur, 0)) as numeric) as unique_amount_eur
    from payments
    group by day
)

select
    day,
    total_count,
    unique_count,
    total_amount_eur,
    unique_amount_eur,
    if(unique_count = total_count, 'PASS', 'FAIL - DUPLICATES DETECTED') as status
from days
