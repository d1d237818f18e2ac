{#-
    What every version of the rules says of payments: the query over `signals`, a CTE of both models of signals. A macro,
    because a model that asks for a few days must say so where the tables are read.
-#}
{% macro fraud_scores() -%}
    {%- set measures = [
        'hour_utc', 'amount_eur', 'amount_eur_1m', 'amount_eur_1h', 'amount_eur_24h', 'amount_vs_usual',
        'first_payment_eur', 'passed_on_share', 'payments_1m', 'payments_1h', 'payments_24h', 'small_payments_10m',
        'minutes_since_other_country', 'payments_to_receiver_before', 'minutes_on_device', 'payments_from_country_before',
        'accounts_new_to_device_24h', 'accounts_new_to_address_24h', 'hour_local', 'travel_kmh', 'receiver_payments_1h',
        'accounts_new_to_receiver_24h', 'new_payer_share_24h'
    ] %}
    select
        measured.transaction_id,
        measured.event_time,
        versions.rule_version,
        measured.event_time >= versions.valid_from and measured.event_time < versions.valid_to as is_in_force,
        least(100, coalesce(sum(rules.weight), 0)) as fraud_score,
        coalesce(
            array_agg(rules.signal ignore nulls order by rules.weight desc, rules.signal asc), cast([] as array<string>)
        ) as fraud_reasons
    from (
        select
            transaction_id,
            event_time,
            measure,
            case measure
                when 'hour_utc' then cast(extract(hour from event_time) as numeric)
                -- What nobody can value may be worth a fortune.
                when 'amount_eur' then coalesce(amount_eur, numeric '1000000000')
                {%- for measure in measures[2:] %}
                when '{{ measure }}' then cast({{ measure }} as numeric)
                {%- endfor %}
            end as measured
        from signals
        cross join unnest(['{{ measures | join("', '") }}']) as measure
    ) as measured
    cross join (
        -- Whatever was typed into the seed, one version is in force at every moment: the one that began last.
        select
            rule_version,
            if(number = 1, timestamp '0001-01-01 00:00:00+00', valid_from) as valid_from,
            coalesce(next_from, timestamp '9999-12-31 00:00:00+00') as valid_to
        from (
            select
                rule_version,
                valid_from,
                row_number() over (order by valid_from, rule_version) as number,
                lead(valid_from) over (order by valid_from, rule_version) as next_from
            from {{ one_row_each(ref('fraud_rule_versions'), 'rule_version', 'valid_from') }} as listed
            where valid_from is not null
        ) as listed
    ) as versions
    left join {{ one_row_each(ref('fraud_rules'), 'rule_version, signal', 'weight') }} as rules
        on
            versions.rule_version = rules.rule_version
            and measured.measure = rules.measure
            and (rules.above is null or measured.measured > rules.above)
            and (rules.at_most is null or measured.measured <= rules.at_most)
    where measured.measured is not null
    group by
        measured.transaction_id, measured.event_time, versions.rule_version, versions.valid_from, versions.valid_to
{%- endmacro %}
