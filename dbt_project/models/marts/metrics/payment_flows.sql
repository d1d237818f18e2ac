{%- set moved = {
    'gross': 'payment', 'refunded': 'refund', 'reversed': 'reversal', 'charged_back': 'chargeback', 'fee': 'fee'
} -%}

-- What goes back is rare, and read where it lies; payments are as payment_metrics has them. Joined by union, so that a
-- condition on the day reaches the partitions of both.
with moves as (
    select
        date(window_start) as day,
        currency,
        'payment' as kind,
        payment_count as event_count,
        amount_sum as amount,
        amount_eur_sum as amount_eur
    from {{ ref('payment_metrics') }}
    -- Of days before it what went back has expired: a net without it would be wrong.
    where
        date(window_start) >= (
            select coalesce(max(kept_from), date '2000-01-01')
            from {{ ref('stg_payments__retention_marks') }}
            where kept = 'payment_transactions'
        )
    union all
    select
        date(events.event_time) as day,
        events.currency,
        events.payment_kind as kind,
        1 as event_count,
        events.amount,
        cast(cast(events.amount * fx_rates.eur_per_thousand as numeric) * numeric '0.001' as numeric) as amount_eur
    from {{ ref('stg_payments__transactions') }} as events
    left join {{ ref('int_fx_rates__effective') }} as fx_rates
        on
            events.currency = fx_rates.currency
            and date(events.event_time) >= fx_rates.valid_from
            and date(events.event_time) < fx_rates.valid_to
    where events.payment_kind in ('refund', 'reversal', 'chargeback', 'fee') and {{ moves_money('events') }}
)

select
    day,
    currency,
    sum(if(kind = 'payment', event_count, 0)) as payment_count,
    sum(if(kind = 'refund', event_count, 0)) as refund_count,
    sum(if(kind = 'chargeback', event_count, 0)) as chargeback_count,
    {%- for name, kind in moved.items() %}
        cast(sum(if(kind = '{{ kind }}', amount, 0)) as numeric) as {{ name }}_amount,
    {%- endfor %}
    cast(sum(if(kind = 'payment', amount, -amount)) as numeric) as net_amount,
    {%- for name, kind in moved.items() %}
        if(
            countif(kind = '{{ kind }}' and event_count > 0 and amount_eur is null) = 0,
            cast(sum(if(kind = '{{ kind }}', coalesce(amount_eur, 0), 0)) as numeric),
            null
        ) as {{ name }}_eur,
    {%- endfor %}
    if(
        countif(event_count > 0 and amount_eur is null) = 0,
        cast(sum(if(kind = 'payment', 1, -1) * coalesce(amount_eur, 0)) as numeric),
        null
    ) as net_eur
from moves
group by day, currency
