{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='transaction_id',
        on_schema_change='append_new_columns',
        partition_by={'field': 'event_time', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['event_time', 'sender_account_id', 'risk_amount'],
        post_hook='{{ tell_what_is_built() }}',
    )
}}
{%- set scope = build_scope(upstream=['int_payments__sender_signals', 'int_payments__network_signals']) %}
{{ scope_line(scope) }}
with payments as (
    select * from {{ ref('int_payments__valued') }} as valued
    where {{ within_scope(scope, 'valued') }} and {{ is_to_build(scope, 'valued') }}
),

signals as (
    select
        sender.*,
        network.accounts_new_to_device_24h,
        network.accounts_new_to_address_24h,
        network.passed_on_share
    from {{ ref('int_payments__sender_signals') }} as sender
    inner join {{ ref('int_payments__network_signals') }} as network
        on sender.transaction_id = network.transaction_id and sender.event_time = network.event_time
    -- Said of both: no warehouse follows it from one to the other.
    where
        {{ within_scope(scope, 'sender') }}
        and {{ within_scope(scope, 'network') }}
),

scores as (
    {{ fraud_scores() | indent(4) }}
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
    payments.device_id
from payments
inner join signals on payments.transaction_id = signals.transaction_id
inner join scores on payments.transaction_id = scores.transaction_id and scores.is_in_force
cross join thresholds
