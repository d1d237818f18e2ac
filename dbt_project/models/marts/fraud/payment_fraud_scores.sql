with signals as (
    select * from {{ ref('payment_transactions_fraud') }}
)

{{ fraud_scores() }}
