{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='transaction_id',
        on_schema_change='append_new_columns',
        partition_by={'field': 'event_time', 'data_type': 'timestamp', 'granularity': 'day'},
        post_hook='{{ tell_what_is_built() }}',
    )
}}
{%- set scope = build_scope() -%}
{%- set history_micros = (var('fraud_history_days') | int) * 86400000000 %}
{{ scope_line(scope) }}
with payments as (
    select
        *,
        unix_micros(event_time) as paid_at,
        -- A terminal is everybody's.
        if(device_type in ('pos', 'atm'), null, device_id) as own_device_id,
        -- What has no device or no address shares none: each is a part of its own, or all were one giant part.
        if(device_id is null or device_type in ('pos', 'atm'), transaction_id, null) as without_device,
        if(ip_address is null, transaction_id, null) as without_address
    from {{ ref('int_payments__valued') }} as valued
    -- A day more than the history: whoever joined a device within the last day is judged by the history before that.
    where {{ within_scope(scope, 'valued', days_before=(var('fraud_history_days') | int) + 1) }}
),

uses as (
    select
        *,
        count(*) over (device_user range between {{ history_micros }} preceding and 1 preceding) as device_used_before,
        count(*) over (
            address_user range between {{ history_micros }} preceding and 1 preceding
        ) as address_used_before,
        -- Of one account's payments at the same microsecond the first one brings it.
        row_number() over (
            partition by own_device_id, without_device, sender_account_id, paid_at
            order by kafka_partition, kafka_offset
        ) as device_place,
        row_number() over (
            partition by ip_address, without_address, sender_account_id, paid_at
            order by kafka_partition, kafka_offset
        ) as address_place
    from payments
    window
        device_user as (partition by own_device_id, without_device, sender_account_id order by paid_at),
        address_user as (partition by ip_address, without_address, sender_account_id order by paid_at)
),

joined as (
    select
        *,
        countif(device_used_before = 0 and device_place = 1) over (
            partition by own_device_id, without_device
            order by paid_at range between 86400000000 preceding and current row
        ) as accounts_new_to_device_24h,
        countif(address_used_before = 0 and address_place = 1) over (
            partition by ip_address, without_address
            order by paid_at range between 86400000000 preceding and current row
        ) as accounts_new_to_address_24h
    from uses
),

-- Every payment twice: once in the account that it leaves, once in the one that it reaches.
movements as (
    select
        transaction_id,
        sender_account_id as account_id,
        paid_at,
        true as is_outgoing,
        cast(null as numeric) as received_eur
    from payments
    union all
    select
        transaction_id,
        receiver_account_id as account_id,
        paid_at,
        false as is_outgoing,
        amount_eur as received_eur
    from payments
),

flows as (
    select
        transaction_id,
        is_outgoing,
        cast(
            sum(received_eur) over (
                partition by account_id order by paid_at range between 900000000 preceding and 1 preceding
            ) as numeric
        ) as received_eur_15m
    from movements
)

select
    joined.transaction_id,
    joined.event_time,
    if(joined.own_device_id is null, null, joined.accounts_new_to_device_24h) as accounts_new_to_device_24h,
    if(joined.ip_address is null, null, joined.accounts_new_to_address_24h) as accounts_new_to_address_24h,
    flows.received_eur_15m,
    cast(round(safe_divide(joined.amount_eur, flows.received_eur_15m), 4) as numeric) as passed_on_share,
    joined.batch_id
from joined
inner join flows on joined.transaction_id = flows.transaction_id
where
    flows.is_outgoing
    and {{ is_to_build(scope, 'joined') }}
