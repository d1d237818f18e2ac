{{ config(**kept_rows('transaction_id', cluster_by=['event_time', 'sender_account_id', 'risk_amount'])) }}
{%- set scope = fraud_scope() %}
{{ scope_line(scope) }}
with {{ fraud_signals(scope) }},

{{ scored_payments() }}
