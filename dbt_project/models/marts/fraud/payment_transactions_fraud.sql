{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='transaction_id',
        on_schema_change='append_new_columns',
        partition_by={'field': 'event_time', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['sender_account_id', 'risk_amount'],
    )
}}
{%- set last_batch = seen_up_to('last_batch_id') -%}
{%- set since = unseen_since() %}

with payments as (
    select * from {{ ref('int_payments__valued') }}
    where event_time >= {{ since }} and {{ published_by(last_batch) }}
),

scores as (
    select * from {{ ref('payment_fraud_scores') }}
    where is_in_force and event_time >= {{ since }}
),

-- What both models of signals have seen: they were built before, and a batch or a correction may have come since.
signals as (
    select
        sender.* except (batch_id, correction_id),
        if(sender.batch_id > network.batch_id, network.batch_id, sender.batch_id) as batch_id,
        case
            when sender.correction_id <= network.correction_id then sender.correction_id
            when sender.correction_id > network.correction_id then network.correction_id
        end as correction_id
    from {{ ref('int_payments__sender_signals') }} as sender
    inner join {{ ref('int_payments__network_signals') }} as network
        on sender.transaction_id = network.transaction_id and sender.event_time = network.event_time
    where sender.event_time >= {{ since }}
),

thresholds as (
    select
        max(if(risk_amount = 'HIGH', above_eur, null)) as high_above_eur,
        max(if(risk_amount = 'MEDIUM', above_eur, null)) as medium_above_eur
    from {{ ref('risk_thresholds') }}
)

select
    payments.transaction_id,
    payments.event_time,
    payments.sender_account_id,
    payments.receiver_account_id,
    payments.amount,
    payments.currency,
    payments.amount_eur,
    payments.reporting_currency,
    payments.reporting_amount_minor,
    payments.country,
    payments.payment_method,
    case
        when payments.amount_eur is null or payments.amount_eur > thresholds.high_above_eur then 'HIGH'
        when payments.amount_eur > thresholds.medium_above_eur then 'MEDIUM'
        else 'LOW'
    end as risk_amount,
    signals.payments_1m,
    signals.payments_1h,
    signals.payments_24h,
    signals.amount_eur_1m,
    signals.amount_eur_1h,
    signals.amount_eur_24h,
    scores.fraud_score,
    scores.fraud_reasons,
    scores.rule_version,
    signals.batch_id,
    signals.correction_id
from payments
inner join signals on payments.transaction_id = signals.transaction_id
inner join scores on payments.transaction_id = scores.transaction_id
cross join thresholds
