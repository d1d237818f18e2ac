{{
    config(**kept_days(
        ['window_start', 'currency', 'region', 'payment_method'], by='window_start', cluster_by=['currency', 'region']
    ))
}}
{%- set scope = build_scope(follows_erasures=true) %}
{{ scope_line(scope, 'window_start') }}
with payments as (
    select
        *,
        timestamp_trunc(event_time, minute) as window_start
    from {{ ref('int_payments__valued') }}
    where {{ is_of_batches(scope, 'batch_id') }} and {{ is_minute_to_build(scope) }}
),

counted as (
    select
        window_start,
        currency,
        region,
        payment_method,
        count(*) as payment_count,
        cast(sum(amount) as numeric) as amount_sum,
        cast(avg(amount) as numeric) as amount_avg,
        cast(sum(amount_eur) as numeric) as amount_eur_sum,
        cast(sum(cast(reporting_amount_minor as numeric)) as numeric) as reporting_amount_minor,
        count(distinct sender_account_id) as distinct_senders,
        max(batch_id) as batch_id
    from payments
    group by window_start, currency, region, payment_method
),

-- Also of windows that a correction has left without a payment: their row becomes zero, it does not stay as it was.
restated as (
    select
        timestamp_trunc(event_time, minute) as window_start,
        currency,
        region,
        payment_method,
        countif(kind = 'ADMITTED_LATE') as admitted_late_count,
        cast(sum(if(kind = 'ADMITTED_LATE', amount, 0)) as numeric) as admitted_late_amount,
        max(decided_at) as restated_at,
        max(correction_id) as correction_id
    from {{ ref('int_corrections__valued') }} as corrections
    where
        {{ is_minute_to_build(scope) }}
        and {{ is_decided_since(scope) }}
        and {{ is_payment_made('corrections') }}
    group by window_start, currency, region, payment_method
)

select
    window_start,
    timestamp_add(window_start, interval 1 minute) as window_end,
    currency,
    region,
    payment_method,
    coalesce(counted.payment_count, 0) as payment_count,
    coalesce(counted.amount_sum, 0) as amount_sum,
    counted.amount_avg,
    if(counted.payment_count is null, 0, counted.amount_eur_sum) as amount_eur_sum,
    {{ reporting_currency() }} as reporting_currency,
    if(counted.payment_count is null, 0, counted.reporting_amount_minor) as reporting_amount_minor,
    coalesce(counted.distinct_senders, 0) as distinct_senders,
    counted.batch_id,
    coalesce(restated.admitted_late_count, 0) as admitted_late_count,
    coalesce(restated.admitted_late_amount, 0) as admitted_late_amount,
    restated.restated_at,
    restated.correction_id
from counted
full outer join restated using (window_start, currency, region, payment_method)
