{#- Payments of `signals`, a CTE, with their amount's risk and the score of the version in force: CTEs and the query. -#}
{% macro scored_payments() -%}
scores as (
    {{ fraud_scores() | indent(4) }}
),

thresholds as (
    select
        max(if(risk_amount = 'HIGH', above_eur, null)) as high_above_eur,
        max(if(risk_amount = 'MEDIUM', above_eur, null)) as medium_above_eur
    from {{ ref('risk_thresholds') }}
),

scored as (
    select
        signals.*,
        case
            when signals.amount_eur is null or signals.amount_eur > thresholds.high_above_eur then 'HIGH'
            when signals.amount_eur > thresholds.medium_above_eur then 'MEDIUM'
            else 'LOW'
        end as risk_amount,
        scores.fraud_score,
        scores.fraud_reasons,
        scores.rule_version
    from signals
    inner join scores on signals.transaction_id = scores.transaction_id and scores.is_in_force
    cross join thresholds
)

select
    {{ scored_columns() }}
from scored
{%- endmacro %}

{#- By name: a table that was there before has gained columns at its end. -#}
{% macro scored_columns() -%}
transaction_id,
    event_time,
    sender_account_id,
    receiver_account_id,
    amount,
    currency,
    amount_eur,
    reporting_currency,
    reporting_amount_minor,
    country,
    payment_method,
    risk_amount,
    payments_1m,
    payments_1h,
    payments_24h,
    amount_eur_1m,
    amount_eur_1h,
    amount_eur_24h,
    fraud_score,
    fraud_reasons,
    rule_version,
    batch_id,
    device_id,
    small_payments_10m,
    amount_vs_usual,
    minutes_since_other_country,
    payments_to_receiver_before,
    first_payment_eur,
    minutes_on_device,
    payments_from_country_before,
    accounts_new_to_device_24h,
    accounts_new_to_address_24h,
    received_eur_15m,
    passed_on_share,
    hour_local,
    travel_kmh,
    receiver_payments_1h,
    accounts_new_to_receiver_24h,
    new_payer_share_24h
{%- endmacro %}
