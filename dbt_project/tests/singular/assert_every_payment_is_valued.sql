{{ config(meta={'dagster': {'ref': {'name': 'payment_metrics'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- Every payment has an amount in the one reporting currency. A row here is a currency and a day for which the seed
-- fx_rates has no rate, or that was built while another reporting currency was set: mend the seed or the variable, then
-- build payment_metrics and payment_transactions_fraud with --full-refresh. The payments are there either way.
with windows as (
    select
        currency,
        date(window_start) as day,
        payment_count,
        amount_sum,
        reporting_currency,
        reporting_amount_minor
    from {{ open_rows('payment_metrics') }}
    where payment_count > 0
),

judged as (
    select
        *,
        case
            when reporting_currency != {{ reporting_currency() }} then 'OTHER_REPORTING_CURRENCY'
            when reporting_amount_minor is null then 'NO_RATE'
        end as break_reason
    from windows
)

select
    break_reason,
    currency,
    day,
    sum(payment_count) as payment_count,
    sum(amount_sum) as amount
from judged
where break_reason is not null
group by break_reason, currency, day
