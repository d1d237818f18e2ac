{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        on_schema_change='append_new_columns',
        meta={'kept_by': 'readings'},
        post_hook='{{ tell_when_returns_were_read() }}'
    )
}}
{%- set read = returns_read_on() %}
-- read on day {{ read ~ '; kept' if read else today() }}
-- Both sides in one reading of the days that may hold a payment of which money still goes back.
with events as (
    select
        transaction_id,
        original_transaction_id,
        currency,
        amount,
        event_time,
        kafka_timestamp,
        batch_id,
        payment_kind,
        {{ is_payment_made('published') }} as is_payment
    from {{ ref('stg_payments__transactions') }} as published
    where
        published.event_time >= {{ returns_read_since(read) }}
        and {{ moves_money('published') }}
),

returned as (
    select
        original_transaction_id,
        currency,
        count(*) as return_count,
        cast(sum(amount) as numeric) as returned_amount,
        max(event_time) as last_returned_at,
        min(kafka_timestamp) as first_sent_at,
        min(batch_id) as first_batch_id
    from events
    where payment_kind in ('refund', 'reversal', 'chargeback')
    group by original_transaction_id, currency
),

originals as (
    select
        transaction_id,
        currency,
        amount
    from events
    where is_payment
)

select
    returned.original_transaction_id,
    returned.currency,
    returned.return_count,
    returned.returned_amount,
    originals.amount as original_amount,
    originals.currency as original_currency,
    returned.last_returned_at,
    returned.first_sent_at,
    returned.first_batch_id,
    originals.transaction_id is null as is_orphan,
    coalesce(
        returned.currency != originals.currency or returned.returned_amount > originals.amount, false
    ) as is_above_original,
    originals.transaction_id is null
    and returned.first_sent_at
    > timestamp_sub({{ moment() }}, interval {{ var('returns_due_hours') }} hour) as is_pending,
    returned.last_returned_at
    > timestamp_sub({{ moment() }}, interval {{ var('returns_checked_days') }} day) as is_recent
from returned
left join originals on returned.original_transaction_id = originals.transaction_id
