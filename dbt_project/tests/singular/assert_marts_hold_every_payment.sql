{{ config(meta={'dagster': {'ref': {'name': 'payment_metrics'}}}) }}
-- depends_on: {{ ref('pipeline_health') }}
-- The two incremental marts hold every published payment once, so nothing slipped past an incremental build. Payments
-- published or corrected after the marts were built are not theirs yet, and pass.
with marts as (
    select
        'payment_transactions_fraud' as mart,
        count(*) as held_count,
        coalesce(max(batch_id), 0) as batch_id,
        coalesce(max(correction_id), 0) as correction_id
    from {{ ref('payment_transactions_fraud') }}
    union all
    select
        'payment_metrics' as mart,
        coalesce(sum(payment_count), 0) as held_count,
        coalesce(max(batch_id), 0) as batch_id,
        coalesce(max(correction_id), 0) as correction_id
    from {{ ref('payment_metrics') }}
),

published as (
    select
        marts.mart,
        count(*) as payment_count,
        countif(payments.batch_id <= marts.batch_id) as published_count
    from {{ ref('stg_payments__transactions') }} as payments
    cross join marts
    group by marts.mart
),

unseen as (
    select
        marts.mart,
        sum(corrections.payments_added) as added_count
    from {{ ref('int_corrections__valued') }} as corrections
    cross join marts
    where corrections.correction_id > marts.correction_id and corrections.batch_id <= marts.batch_id
    group by marts.mart
)

select
    mart,
    marts.held_count,
    published.payment_count,
    coalesce(published.published_count, 0) - coalesce(unseen.added_count, 0) as expected_count
from marts
left join published using (mart)
left join unseen using (mart)
where
    marts.held_count != coalesce(published.published_count, 0) - coalesce(unseen.added_count, 0)
    or (published.payment_count > 0 and marts.held_count = 0)
