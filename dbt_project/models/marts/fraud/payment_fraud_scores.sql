with signals as (
    select
        sender.*,
        network.accounts_new_to_device_24h,
        network.accounts_new_to_address_24h,
        network.passed_on_share
    from {{ ref('int_payments__sender_signals') }} as sender
    inner join {{ ref('int_payments__network_signals') }} as network
        on sender.transaction_id = network.transaction_id and sender.event_time = network.event_time
)

{{ fraud_scores() }}
