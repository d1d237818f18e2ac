-- A view without tests of its data: only whoever opens the queue reads it, and of payments only what may be an alert.
with payments as (
    select
        *,
        date(event_time) as day
    from {{ ref('int_payments__alerted') }}
    where event_time >= {{ queue_begins() }}
),

-- Whatever was typed into the seed, one row of a version is in force on every day: the one that began last.
limits as (
    select
        rule_version,
        score_from,
        alerts_a_day,
        if(number = 1, date '0001-01-01', valid_from) as valid_from,
        coalesce(next_from, date '9999-12-31') as valid_to
    from (
        select
            *,
            row_number() over (partition by rule_version order by valid_from) as number,
            lead(valid_from) over (partition by rule_version order by valid_from) as next_from
        from {{ one_row_each(ref('fraud_queue_limits'), 'rule_version, valid_from', 'score_from') }} as listed
        where valid_from is not null
    ) as listed
),

labels as (
    {{ newest_fraud_labels() | indent(4) }}
),

lists as (
    {{ newest_fraud_lists() | indent(4) }}
),

listed as (
    {{ listed_payments() | indent(4) }}
),

-- Who is blocked is an alert whatever the score, and also where a list allows it.
alerted as (
    select
        payments.*,
        listed.blocked_because,
        listed.blocked_because is not null as is_blocked,
        limits.alerts_a_day
    from payments
    left join listed on payments.transaction_id = listed.transaction_id
    inner join limits
        on
            payments.rule_version = limits.rule_version
            and payments.day >= limits.valid_from
            and payments.day < limits.valid_to
    where
        listed.blocked_because is not null
        or (payments.fraud_score >= limits.score_from and not coalesce(listed.is_allowed, false))
),

-- An alert is an account on a day: its worst payment stands for the others.
accounts as (
    select
        *,
        count(*) over account as payment_count,
        cast(sum(amount_eur) over account as numeric) as alerted_eur,
        -- What nobody can value may be worth a fortune.
        cast(sum(coalesce(amount_eur, numeric '1000000000')) over account as numeric) as at_stake,
        row_number() over (
            partition by day, sender_account_id
            order by is_blocked desc, fraud_score desc, amount_eur desc, transaction_id asc
        ) as number
    from alerted
    window account as (partition by day, sender_account_id)
),

queued as (
    select
        *,
        row_number() over (
            partition by day order by is_blocked desc, fraud_score desc, at_stake desc, sender_account_id asc
        ) as place
    from accounts
    where number = 1
)

select
    queued.day,
    queued.place,
    queued.sender_account_id,
    queued.fraud_score,
    queued.fraud_reasons,
    queued.rule_version,
    queued.payment_count,
    queued.alerted_eur,
    queued.transaction_id,
    queued.event_time,
    nullif(labels.label, 'NONE') as label,
    queued.blocked_because
from queued
left join labels on queued.transaction_id = labels.transaction_id
where queued.is_blocked or queued.place <= queued.alerts_a_day
