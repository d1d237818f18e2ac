{{ config(**kept_rows('transaction_id', cluster_by=['event_time', 'sender_account_id'])) }}
{%- set scope = alert_scope() %}
{{ scope_line(scope) }}
with payments as (
    select
        transaction_id,
        event_time,
        sender_account_id,
        receiver_account_id,
        device_id,
        amount_eur,
        fraud_score,
        fraud_reasons,
        rule_version
    from {{ ref('payment_transactions_fraud') }}
    where
        event_time >= {{ scope.oldest | default(everything(), true) }}
        and event_time >= {{ queue_begins() }}
),

lists as (
    {{ newest_fraud_lists() | indent(4) }}
),

listed as (
    {{ listed_payments() | indent(4) }}
)

select payments.*
from payments
left join listed on payments.transaction_id = listed.transaction_id
where
    payments.fraud_score >= (select min(score_from) from {{ ref('fraud_queue_limits') }})
    or listed.blocked_because is not null
    or {{ was_alerted(scope, 'payments') }}
