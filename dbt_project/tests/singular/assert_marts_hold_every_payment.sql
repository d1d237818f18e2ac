{{ config(tags=['rows'], meta={'dagster': {'ref': {'name': 'payment_metrics'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- The two incremental marts hold every published payment once, with its money, so nothing slipped past an incremental
-- build and no amount is another. By currency, in its own unit: exact NUMERIC, one to one with minor units. Payments
-- published after the marts were built are not theirs yet, and pass. What was corrected or erased since may show in a
-- mart already, or not: it holds no less than without what was added, and no more than with what was removed.
with held as (
    select
        'payment_transactions_fraud' as mart,
        currency,
        count(*) as held_count,
        sum(amount) as held_amount
    from {{ open_rows('payment_transactions_fraud') }}
    group by currency
    union all
    select
        'payment_metrics' as mart,
        currency,
        sum(payment_count) as held_count,
        sum(amount_sum) as held_amount
    from {{ open_rows('payment_metrics') }}
    group by currency
),

-- How far each mart has come, by its label; an empty one is there too.
marts as (
    select
        'payment_transactions_fraud' as mart,
        {{ seen_by('payment_transactions_fraud') }},
        coalesce(sum(if(mart = 'payment_transactions_fraud', held_count, 0)), 0) as held_count
    from held
    union all
    select
        'payment_metrics' as mart,
        {{ seen_by('payment_metrics') }},
        coalesce(sum(if(mart = 'payment_metrics', held_count, 0)), 0) as held_count
    from held
),

published as (
    select
        marts.mart,
        payments.currency,
        marts.held_count = 0 and marts.batch_id = 0 as is_mart_empty,
        countif(payments.batch_id <= marts.batch_id) as published_count,
        sum(if(payments.batch_id <= marts.batch_id, payments.amount, 0)) as published_amount
    from {{ open_rows('stg_payments__transactions') }} as payments
    cross join marts
    where {{ is_payment_made('payments') }}
    group by marts.mart, payments.currency, is_mart_empty
),

unseen as (
    select
        marts.mart,
        corrections.currency,
        countif(corrections.payments_added > 0) as added_count,
        sum(if(corrections.payments_added > 0, corrections.amount, 0)) as added_amount,
        countif(corrections.payments_added < 0) as removed_count,
        sum(if(corrections.payments_added < 0, corrections.amount, 0)) as removed_amount
    from {{ open_rows('int_corrections__valued') }} as corrections
    cross join marts
    where
        {{ is_payment_made('corrections') }}
        and {{ is_decided_open('corrections.decided_at') }}
        and corrections.correction_id > marts.correction_id
        and corrections.batch_id <= marts.batch_id
    group by marts.mart, corrections.currency
),

-- The amount is that of all deliveries of a disposition: no less than that of the payments among them.
erased as (
    select
        marts.mart,
        erasures.currency,
        sum(erasures.payments_removed) as erased_count,
        sum(cast(erasures.amount_minor * currencies.minor_unit_value as numeric)) as erased_amount
    from {{ ref('stg_payments__erasures') }} as erasures
    inner join {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as currencies
        on erasures.currency = currencies.currency
    cross join marts
    where
        erasures.payments_removed > 0
        and erasures.erasure_id > marts.erasure_id
        and erasures.day >= {{ 'date(' ~ open_now().paid ~ ')' if open_now().told else "date '0001-01-01'" }}
    group by marts.mart, erasures.currency
),

compared as (
    select
        mart,
        currency,
        coalesce(held.held_count, 0) as held_count,
        coalesce(published.published_count, 0) - coalesce(unseen.added_count, 0) as fewest,
        coalesce(published.published_count, 0) + coalesce(unseen.removed_count, 0)
        + coalesce(erased.erased_count, 0) as most,
        coalesce(held.held_amount, 0) as held_amount,
        coalesce(published.published_amount, 0) - coalesce(unseen.added_amount, 0) as least_amount,
        coalesce(published.published_amount, 0) + coalesce(unseen.removed_amount, 0)
        + coalesce(erased.erased_amount, 0) as largest_amount,
        coalesce(published.is_mart_empty, false) as is_mart_empty
    from held
    full outer join published using (mart, currency)
    full outer join unseen using (mart, currency)
    full outer join erased using (mart, currency)
)

select *
from compared
where
    held_count not between fewest and most
    or held_amount not between least_amount and largest_amount
    or is_mart_empty
