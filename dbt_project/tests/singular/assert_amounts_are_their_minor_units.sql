{{ config(tags=['rows'], meta={'dagster': {'ref': {'name': 'payment_transactions_fraud'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- A payment's amount is its minor units. A row here is a currency and the payments in it whose amount says otherwise,
-- or a currency for which the seed currencies has no row or a wrong one: then the payments are right, mend the seed.
with payments as (
    select
        transactions.currency,
        transactions.amount,
        transactions.amount_minor,
        cast(transactions.amount_minor * currencies.minor_unit_value as numeric) as amount_by_minor_units
    from {{ open_rows('stg_payments__transactions') }} as transactions
    left join {{ one_row_each(ref('currencies'), 'currency', 'minor_unit_value') }} as currencies
        on transactions.currency = currencies.currency
)

select
    currency,
    logical_or(amount_by_minor_units is null) as is_currency_unknown,
    count(*) as payment_count,
    sum(amount) as amount,
    sum(cast(amount_minor as numeric)) as amount_minor,
    sum(amount_by_minor_units) as amount_by_minor_units
from payments
where (amount = amount_by_minor_units) is not true
group by currency
