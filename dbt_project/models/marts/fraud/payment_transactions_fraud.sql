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
{%- set scope = fraud_scope() %}
{{ scope_line(scope) }}
with {{ fraud_signals(scope) }},

{{ scored_payments() }}
