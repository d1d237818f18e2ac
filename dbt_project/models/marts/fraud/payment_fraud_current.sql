-- depends_on: {{ ref('stg_payments__corrections') }}
{%- set scope = unbuilt_scope('payment_transactions_fraud') %}
with {{ fraud_signals(scope) }},

{{ scored_payments() }}
union all
select
    {{ scored_columns() }}
from {{ ref('payment_transactions_fraud') }}
where batch_id <= {{ scope.built_batch | default(0) }}
