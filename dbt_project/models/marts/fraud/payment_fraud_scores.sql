with measured as (
    select
        sender.transaction_id,
        sender.event_time,
        cast(extract(hour from sender.event_time) as numeric) as hour_utc,
        -- What nobody can value may be worth a fortune.
        coalesce(sender.amount_eur, numeric '1000000000') as amount_eur,
        sender.amount_eur_1m,
        sender.amount_eur_1h,
        sender.amount_eur_24h,
        sender.amount_vs_usual,
        sender.first_payment_eur,
        network.passed_on_share,
        cast(sender.payments_1m as numeric) as payments_1m,
        cast(sender.payments_1h as numeric) as payments_1h,
        cast(sender.payments_24h as numeric) as payments_24h,
        cast(sender.small_payments_10m as numeric) as small_payments_10m,
        cast(sender.minutes_since_other_country as numeric) as minutes_since_other_country,
        cast(sender.payments_to_receiver_before as numeric) as payments_to_receiver_before,
        cast(sender.minutes_on_device as numeric) as minutes_on_device,
        cast(sender.payments_from_country_before as numeric) as payments_from_country_before,
        cast(network.accounts_new_to_device_24h as numeric) as accounts_new_to_device_24h,
        cast(network.accounts_new_to_address_24h as numeric) as accounts_new_to_address_24h
    from {{ ref('int_payments__sender_signals') }} as sender
    inner join {{ ref('int_payments__network_signals') }} as network
        on sender.transaction_id = network.transaction_id and sender.event_time = network.event_time
),

measures as (
    select
        transaction_id,
        event_time,
        measure,
        measured
    from measured
    unpivot (
        measured for measure in (
            hour_utc,
            amount_eur,
            amount_eur_1m,
            amount_eur_1h,
            amount_eur_24h,
            amount_vs_usual,
            first_payment_eur,
            passed_on_share,
            payments_1m,
            payments_1h,
            payments_24h,
            small_payments_10m,
            minutes_since_other_country,
            payments_to_receiver_before,
            minutes_on_device,
            payments_from_country_before,
            accounts_new_to_device_24h,
            accounts_new_to_address_24h
        )
    )
),

-- Whatever was typed into the seed, one version is in force at every moment: the one that began last.
listed_versions as (
    select
        rule_version,
        valid_from,
        row_number() over (order by valid_from, rule_version) as number,
        lead(valid_from) over (order by valid_from, rule_version) as next_from
    from {{ one_row_each(ref('fraud_rule_versions'), 'rule_version', 'valid_from') }} as listed
    where valid_from is not null
),

versions as (
    select
        rule_version,
        if(number = 1, timestamp '0001-01-01 00:00:00+00', valid_from) as valid_from,
        coalesce(next_from, timestamp '9999-12-31 00:00:00+00') as valid_to
    from listed_versions
),

verdicts as (
    select
        measures.transaction_id,
        measures.event_time,
        rules.rule_version,
        least(100, sum(rules.weight)) as fraud_score,
        array_agg(rules.signal order by rules.weight desc, rules.signal asc) as fraud_reasons
    from measures
    inner join {{ one_row_each(ref('fraud_rules'), 'rule_version, signal', 'weight') }} as rules
        on
            measures.measure = rules.measure
            and (rules.above is null or measures.measured > rules.above)
            and (rules.at_most is null or measures.measured <= rules.at_most)
    group by measures.transaction_id, measures.event_time, rules.rule_version
)

select
    measured.transaction_id,
    measured.event_time,
    versions.rule_version,
    measured.event_time >= versions.valid_from
    and measured.event_time < versions.valid_to as is_in_force,
    coalesce(verdicts.fraud_score, 0) as fraud_score,
    coalesce(verdicts.fraud_reasons, cast([] as array<string>)) as fraud_reasons
from measured
cross join versions
left join verdicts
    on
        measured.transaction_id = verdicts.transaction_id
        and measured.event_time = verdicts.event_time
        and versions.rule_version = verdicts.rule_version
