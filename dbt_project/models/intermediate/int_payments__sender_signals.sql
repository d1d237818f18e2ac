{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='transaction_id',
        on_schema_change='append_new_columns',
        partition_by={'field': 'event_time', 'data_type': 'timestamp', 'granularity': 'day'},
        post_hook='{{ tell_what_is_built() }}',
    )
}}
{%- set scope = build_scope() -%}
{%- set history_micros = (var('fraud_history_days') | int) * 86400000000 %}
{{ scope_line(scope) }}
with payments as (
    select
        *,
        unix_micros(event_time) as paid_at,
        amount_eur <= {{ var('fraud_small_amount_eur') }} as is_small,
        -- A terminal is everybody's.
        if(device_type in ('pos', 'atm'), null, device_id) as own_device_id
    from {{ ref('int_payments__valued') }} as valued
    where {{ within_scope(scope, 'valued', days_before=var('fraud_history_days')) }}
),

moved as (
    select
        *,
        if(
            country != lag(country) over place_by_place, lag(paid_at) over place_by_place, null
        ) as left_other_country_at
    from payments
    window
        place_by_place as (
            partition by sender_account_id, country is null order by paid_at, kafka_partition, kafka_offset
        )
),

observed as (
    select
        *,
        count(*) over last_minute as payments_1m,
        count(*) over last_hour as payments_1h,
        count(*) over last_day as payments_24h,
        sum(amount_eur) over last_minute as amount_eur_1m,
        sum(amount_eur) over last_hour as amount_eur_1h,
        sum(amount_eur) over last_day as amount_eur_24h,
        countif(is_small) over last_ten_minutes as small_payments_10m,
        count(*) over history as payments_before,
        min(if(own_device_id is null, null, paid_at)) over up_to_now as first_device_at,
        count(country) over history as country_payments_before,
        max(left_other_country_at) over up_to_now as left_other_country_last_at,
        count(*) over (receiver_history range between {{ history_micros }} preceding and 1 preceding) as to_receiver,
        min(paid_at) over (
            device_history range between {{ history_micros }} preceding and current row
        ) as first_on_device_at,
        count(*) over (country_history range between {{ history_micros }} preceding and 1 preceding) as from_country,
        count(*) over (method_history range between {{ history_micros }} preceding and 1 preceding) as by_method,
        avg(ln(greatest(amount_eur, numeric '0.01'))) over (
            method_history range between {{ history_micros }} preceding and 1 preceding
        ) as usual_log_amount
    from moved
    window
        sender as (partition by sender_account_id order by paid_at),
        last_minute as (sender range between 60000000 preceding and current row),
        last_ten_minutes as (sender range between 600000000 preceding and current row),
        last_hour as (sender range between 3600000000 preceding and current row),
        last_day as (sender range between 86400000000 preceding and current row),
        up_to_now as (sender range between {{ history_micros }} preceding and current row),
        history as (sender range between {{ history_micros }} preceding and 1 preceding),
        receiver_history as (partition by sender_account_id, receiver_account_id order by paid_at),
        device_history as (partition by sender_account_id, own_device_id order by paid_at),
        country_history as (partition by sender_account_id, country order by paid_at),
        method_history as (partition by sender_account_id, payment_method order by paid_at)
)

select
    transaction_id,
    event_time,
    amount_eur,
    payments_1m,
    payments_1h,
    payments_24h,
    cast(amount_eur_1m as numeric) as amount_eur_1m,
    cast(amount_eur_1h as numeric) as amount_eur_1h,
    cast(amount_eur_24h as numeric) as amount_eur_24h,
    if(is_small, small_payments_10m, null) as small_payments_10m,
    if(by_method >= 3, cast(round(amount_eur / exp(usual_log_amount), 2) as numeric), null) as amount_vs_usual,
    -- No earlier than the history, which is all that a build reads: of a longer stay it would not know the beginning.
    if(
        country is null or left_other_country_last_at < paid_at - {{ history_micros }},
        null,
        cast(floor((paid_at - left_other_country_last_at) / 60000000) as int64)
    ) as minutes_since_other_country,
    if(payments_before > 0, to_receiver, null) as payments_to_receiver_before,
    if(payments_before > 0 and to_receiver = 0, amount_eur, null) as first_payment_eur,
    if(
        own_device_id is null or first_on_device_at = first_device_at,
        null,
        cast(floor((paid_at - first_on_device_at) / 60000000) as int64)
    ) as minutes_on_device,
    if(country is not null and country_payments_before > 0, from_country, null) as payments_from_country_before,
    batch_id
from observed
where {{ is_to_build(scope, 'observed') }}
