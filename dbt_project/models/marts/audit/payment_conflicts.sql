-- The same bytes are the same payload, by their newest hash: an earlier contract made it of unknown fields too.
with delivered_values as (
    select
        transaction_id,
        any_value(payload_hash having max batch_id) as payload_hash,
        any_value(currency) as currency,
        any_value(amount_minor) as amount_minor,
        min(event_time) as event_time,
        min(kafka_timestamp) as first_delivered_at,
        min(batch_id) as batch_id
    from {{ ref('stg_payments__deliveries') }}
    where is_valid
    group by transaction_id, value_sha256
),

payloads as (
    select
        transaction_id,
        payload_hash,
        any_value(currency) as currency,
        any_value(amount_minor) as amount_minor,
        -- Of all payloads of the id: a rate that changes from one day to the next puts no money at stake.
        min(min(event_time)) over (partition by transaction_id) as first_event_time,
        min(first_delivered_at) as first_delivered_at,
        min(batch_id) as batch_id
    from delivered_values
    group by transaction_id, payload_hash
),

conflicting as (
    select
        payloads.transaction_id,
        payloads.payload_hash,
        payloads.first_delivered_at,
        payloads.batch_id,
        payloads.amount_minor * currencies.minor_unit_value * fx_rates.eur_per_thousand * numeric '0.001' as amount_eur
    from payloads
    left join {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as currencies
        on payloads.currency = currencies.currency
    left join {{ ref('int_fx_rates__effective') }} as fx_rates
        on
            payloads.currency = fx_rates.currency
            and date(payloads.first_event_time) >= fx_rates.valid_from
            and date(payloads.first_event_time) < fx_rates.valid_to
    qualify count(*) over (partition by payloads.transaction_id) > 1
),

published as (
    select
        transaction_id,
        payload_hash,
        currency,
        amount,
        topic || '/' || cast(kafka_partition as string) || '/' || cast(kafka_offset as string) as published_offset
    from {{ ref('stg_payments__transactions') }}
),

decided as (
    select
        transaction_id,
        max(last_batch_id) as last_batch_id,
        max(decided_at) as decided_at
    from {{ ref('stg_payments__corrections') }}
    where kind in ('CONFLICT_KEPT', 'CONFLICT_CHOSEN')
    group by transaction_id
)

select
    transaction_id,
    count(distinct conflicting.payload_hash) as payloads,
    min(conflicting.first_delivered_at) as first_delivered_at,
    max(conflicting.first_delivered_at) as last_payload_at,
    any_value(published.published_offset) as published_offset,
    any_value(published.currency) as published_currency,
    any_value(published.amount) as published_amount,
    cast(min(conflicting.amount_eur) as numeric) as lowest_amount_eur,
    cast(max(conflicting.amount_eur) as numeric) as highest_amount_eur,
    -- Where a payload has no rate nobody knows the difference: that of the others would be too small.
    cast(
        if(
            countif(conflicting.amount_eur is null) = 0,
            max(conflicting.amount_eur) - min(conflicting.amount_eur),
            null
        ) as numeric
    ) as exposure_eur,
    max(conflicting.batch_id) <= coalesce(max(decided.last_batch_id), 0) as is_decided,
    max(decided.decided_at) as decided_at
from conflicting
left join published using (transaction_id)
left join decided using (transaction_id)
group by transaction_id
