{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='transaction_id',
        on_schema_change='fail',
        partition_by={'field': 'event_time', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['sender_account_id', 'risk_amount'],
    )
}}
{%- set since = unseen_since() %}

with payments as (
    select * from {{ ref('int_payments__valued') }}
    where event_time >= timestamp_sub({{ since }}, interval {{ var('fraud_history_days') }} day)
),

thresholds as (
    select
        max(if(risk_amount = 'HIGH', above_eur, null)) as high_above_eur,
        max(if(risk_amount = 'MEDIUM', above_eur, null)) as medium_above_eur
    from {{ ref('risk_thresholds') }}
),

rules as (
    select
        max(if(signal = 'HIGH_AMOUNT', weight, null)) as high_amount_weight,
        max(if(signal = 'MEDIUM_AMOUNT', weight, null)) as medium_amount_weight,
        max(if(signal = 'HIGH_VELOCITY', weight, null)) as velocity_weight,
        max(if(signal = 'HIGH_VELOCITY', signal_limit, null)) as velocity_limit,
        max(if(signal = 'NEW_COUNTRY', weight, null)) as new_country_weight,
        max(if(signal = 'NIGHT', weight, null)) as night_weight,
        max(if(signal = 'NIGHT', signal_limit, null)) as night_end_hour
    from {{ ref('fraud_signals') }}
),

observed as (
    select
        *,
        count(*) over (
            partition by sender_account_id order by unix_seconds(event_time)
            range between 3600 preceding and current row
        ) as payments_last_hour,
        lag(unix_seconds(event_time)) over (
            partition by sender_account_id, country order by event_time, kafka_partition, kafka_offset
        ) as same_country_before_at,
        count(country) over (
            partition by sender_account_id order by event_time, kafka_partition, kafka_offset
            rows between unbounded preceding and 1 preceding
        ) as countries_before
    from payments
),

signalled as (
    select
        observed.*,
        rules.*,
        case
            when observed.amount_eur is null or observed.amount_eur > thresholds.high_above_eur then 'HIGH'
            when observed.amount_eur > thresholds.medium_above_eur then 'MEDIUM'
            else 'LOW'
        end as risk_amount,
        observed.payments_last_hour >= rules.velocity_limit as is_high_velocity,
        observed.country is not null
        and observed.countries_before > 0
        and observed.same_country_before_at is null as is_new_country,
        extract(hour from observed.event_time) < rules.night_end_hour as is_night
    from observed
    cross join thresholds
    cross join rules
    where observed.event_time >= {{ since }}
)

select
    transaction_id,
    event_time,
    sender_account_id,
    receiver_account_id,
    amount,
    currency,
    amount_eur,
    country,
    payment_method,
    risk_amount,
    payments_last_hour,
    is_high_velocity,
    is_new_country,
    is_night,
    least(
        100,
        case risk_amount when 'HIGH' then high_amount_weight when 'MEDIUM' then medium_amount_weight else 0 end
        + if(is_high_velocity, velocity_weight, 0)
        + if(is_new_country, new_country_weight, 0)
        + if(is_night, night_weight, 0)
    ) as fraud_score,
    array(
        select reason
        from
            unnest(
                [
                    if(risk_amount = 'LOW', null, concat(risk_amount, '_AMOUNT')),
                    if(is_high_velocity, 'HIGH_VELOCITY', null),
                    if(is_new_country, 'NEW_COUNTRY', null),
                    if(is_night, 'NIGHT', null)
                ]
            ) as reason
        where reason is not null
    ) as fraud_reasons,
    batch_id,
    correction_id
from signalled
