with payments as (
    select * from {{ ref('stg_payments__transactions') }} as events
    -- A refund is no spending of its sender, and no payment that was only tried is one.
    where {{ is_payment_made('events') }}
),

fx_rates as (
    select * from {{ ref('int_fx_rates__effective') }}
),

crossed as (
    select * from {{ ref('int_fx_rates__crossed') }}
),

regions as (
    select * from {{ one_row_each(ref('country_regions'), 'country', 'region') }} as country_regions
),

multiplied as (
    select
        payments.*,
        crossed.divisor,
        cast(cast(payments.amount * 10000 as numeric) * crossed.multiplier as numeric) as dividend
    from payments
    left join crossed
        on
            payments.currency = crossed.currency
            and date(payments.event_time) >= crossed.valid_from
            and date(payments.event_time) < crossed.valid_to
),

-- The whole quotient and the rest apart: divided as they are, they would be rounded to nine decimals before the one
-- rounding that is meant.
divided as (
    select
        *,
        mod(dividend, divisor) as remainder
    from multiplied
)

select
    payments.transaction_id,
    payments.event_time,
    payments.sender_account_id,
    payments.receiver_account_id,
    payments.amount,
    payments.currency,
    payments.country,
    payments.device_id,
    payments.device_type,
    payments.ip_address,
    payments.topic,
    payments.kafka_partition,
    payments.kafka_offset,
    payments.batch_id,
    coalesce(payments.payment_method, 'unknown') as payment_method,
    coalesce(regions.region, 'UNKNOWN') as region,
    regions.latitude,
    regions.longitude,
    regions.time_zone,
    cast(
        cast(payments.amount * fx_rates.eur_per_thousand as numeric) * numeric '0.001' as numeric
    ) as amount_eur,
    {{ reporting_currency() }} as reporting_currency,
    cast(round((payments.dividend - payments.remainder) / payments.divisor) as int64)
    + if(payments.remainder * 2 >= payments.divisor, 1, 0) as reporting_amount_minor
from divided as payments
left join fx_rates
    on
        payments.currency = fx_rates.currency
        and date(payments.event_time) >= fx_rates.valid_from
        and date(payments.event_time) < fx_rates.valid_to
left join regions on payments.country = regions.country
