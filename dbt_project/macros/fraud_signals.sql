{#-
    What an account and its device, address and money did before each payment: CTEs, of which the last is `signals`. The last
    minutes, hour and day are read payment by payment, the 28 whole days before the payment's day from what is kept of them
    (int_accounts__habits; of older payments int_accounts__days), and its own day from payments again. Where the day before is
    not over yet, it counts as own. Whether an account was new to a device, an address or a receiver on the day before, the
    payment's own day knows: habits of one day are all that a payment is judged by.

    scope      what is built: build_scope's, or that of payments that nobody has built yet
    places     where accounts meet, and what tells one from another: a payment without a device, or an address, is alone
-#}
{% macro fraud_signals(scope) -%}
{%- set places = {
    'device': 'own_device_id, without_device', 'address': 'ip_address, without_address', 'receiver': 'receiver_account_id'
} -%}
{%- set first = never_day() if scope.first_own_day is none else day_of_number(scope.first_own_day | default(0)) -%}
{%- set oldest = scope.oldest | default(everything(), true) -%}
{%- set closed = day_of_number(scope.closed | default(number_of_never())) -%}
{#- Both, so that dbt knows of both. A unit test has no rows of the second. -#}
{%- set habits, days = ref('int_accounts__habits'), none if is_unit_test() else ref('int_accounts__days') -%}
{%- set are_kept = are_habits_kept(scope) -%}
{%- set before = 'interval ' ~ var('fraud_history_days') ~ ' day' -%}
payments as (
    select
        *,
        unix_micros(event_time) as paid_at,
        least(date(event_time), {{ closed }}) as history_day,
        amount_eur <= {{ var('fraud_small_amount_eur') }} as is_small,
        {{ own_device() }} as own_device_id,
        -- What has no device or no address shares none: each is a part of its own, or all were one giant part.
        if({{ own_device() }} is null, transaction_id, null) as without_device,
        if(ip_address is null, transaction_id, null) as without_address,
        {{ log_of_amount() }} as log_amount,
        extract(hour from event_time at time zone time_zone) as hour_local
    from {{ ref('int_payments__valued') }} as valued
    where
        valued.event_time >= least(timestamp({{ first }}), timestamp_sub({{ oldest }}, interval 1 day))
        and {{ is_of_batches(scope, 'valued.batch_id') }}
),

remembered as (
    select
        asked.transaction_id,
        sum(if(asked.kind = 'ACCOUNT', kept.payment_count, 0)) as payments,
        {%- for place in places %}
        sum(if(asked.kind = '{{ place | upper }}' and not asked.is_day_after, kept.payment_count, 0)) as to_{{ place }},
        {%- endfor %}
        sum(if(asked.kind = 'RECEIVER' and asked.is_day_after, kept.payment_count, 0)) as to_receiver_told,
        sum(if(asked.kind = 'COUNTRY', kept.payment_count, 0)) as from_country,
        sum(if(asked.kind = 'COUNTRIES', kept.payment_count, 0)) as from_countries,
        sum(if(asked.kind = 'METHOD', kept.valued_count, 0)) as by_method,
        cast(sum(if(asked.kind = 'METHOD', kept.log_sum, null)) as numeric) as log_sum,
        min(if(asked.kind = 'DEVICE' and not asked.is_day_after, unix_micros(kept.first_at), null))
            as first_on_device_at,
        min(if(asked.kind = 'DEVICES', unix_micros(kept.first_at), null)) as first_device_at,
        min(if(asked.kind = 'DEVICE' and asked.is_day_after, unix_micros(kept.first_at), null))
            as first_on_device_told_at,
        min(if(asked.kind = 'ADDRESS' and asked.is_day_after, unix_micros(kept.first_at), null))
            as first_from_address_told_at
    from (
        select
            transaction_id,
            history_day,
            false as is_day_after,
            kind,
            {{ account_trait() }} as trait
        from payments
        cross join {{ account_traits() }}
        -- What is read before has no more to say than who was on a device, at an address, or paid a receiver.
        where event_time >= {{ oldest }} or kind in ('DEVICE', 'ADDRESS', 'RECEIVER')
        union all
        select
            transaction_id,
            date_add(history_day, interval 1 day) as history_day,
            true as is_day_after,
            kind,
            {{ account_trait() }} as trait
        from payments
        cross join {{ account_traits() }}
        where kind in ('DEVICE', 'ADDRESS', 'RECEIVER')
    ) as asked
    inner join {{ habits if are_kept else days }} as kept
        on
            asked.trait = kept.trait
            {%- if are_kept %}
            and asked.history_day = kept.day
            {%- else %}
            and asked.history_day > kept.day
            and asked.history_day <= date_add(kept.day, {{ before }})
            {%- endif %}
    where
        kept.payment_count > 0
        and kept.day >= {{ first if are_kept else 'date_sub(' ~ first ~ ', ' ~ before ~ ')' }}
        and kept.day <= {{ closed }}
        and asked.history_day between {{ first }} and {{ closed }}
    group by asked.transaction_id
),

known as (
    select
        payments.*,
        coalesce(remembered.payments, 0) as payments_kept,
        {%- for place in places %}
        coalesce(remembered.to_{{ place }}, 0) as to_{{ place }}_kept,
        {%- endfor %}
        coalesce(remembered.to_receiver_told, 0) as to_receiver_told,
        coalesce(remembered.from_country, 0) as from_country_kept,
        coalesce(remembered.from_countries, 0) as from_countries_kept,
        coalesce(remembered.by_method, 0) as by_method_kept,
        coalesce(remembered.log_sum, 0) as log_sum_kept,
        remembered.first_on_device_at as first_on_device_kept_at,
        remembered.first_device_at as first_device_kept_at,
        payments.paid_at = remembered.first_on_device_told_at as is_first_to_device,
        payments.paid_at = remembered.first_from_address_told_at as is_first_to_address,
        if(
            payments.country != lag(payments.country) over place_by_place,
            lag(payments.paid_at) over place_by_place,
            null
        ) as left_other_country_at,
        lag(payments.latitude) over place_by_place as latitude_before,
        lag(payments.longitude) over place_by_place as longitude_before
    from payments
    left join remembered on payments.transaction_id = remembered.transaction_id
    window
        place_by_place as (
            partition by payments.sender_account_id, payments.country is null
            order by payments.paid_at, payments.kafka_partition, payments.kafka_offset
        )
),

observed as (
    select
        *,
        count(*) over last_minute as payments_1m,
        count(*) over last_hour as payments_1h,
        count(*) over last_day as payments_24h,
        sum(amount_eur) over last_minute as amount_eur_1m,
        sum(amount_eur) over last_hour as amount_eur_1h,
        sum(amount_eur) over last_day as amount_eur_24h,
        countif(is_small) over last_ten_minutes as small_payments_10m,
        count(*) over (receiver range between 3600000000 preceding and current row) as receiver_payments_1h,
        count(*) over (receiver range between 86400000000 preceding and current row) as receiver_payments_24h,
        last_value(left_other_country_at ignore nulls) over stay as left_other_country_last_at,
        -- How far a country without a centre is, nobody knows: less than nothing.
        last_value(
            if(
                left_other_country_at is null,
                null,
                coalesce(
                    {{ great_circle_km('latitude_before', 'longitude_before', 'latitude', 'longitude') | indent(20) }},
                    -1
                )
            ) ignore nulls
        ) over stay as km_from_other_country,
        payments_kept + count(*) over (today range between unbounded preceding and 1 preceding) as payments_before,
        from_countries_kept
        + count(country) over (today range between unbounded preceding and 1 preceding) as country_payments_before,
        {%- for place, keys in places.items() %}
        to_{{ place }}_kept + count(*) over (
            partition by {{ keys }}, sender_account_id, history_day
            order by paid_at range between unbounded preceding and 1 preceding
        ) as to_{{ place }},
        -- Of one account's payments at the same microsecond the first one brings it.
        row_number() over (
            partition by {{ keys }}, sender_account_id, history_day, paid_at
            order by kafka_partition, kafka_offset
        ) as number_to_{{ place }},
        {%- endfor %}
        from_country_kept + count(*) over (
            partition by sender_account_id, history_day, country
            order by paid_at range between unbounded preceding and 1 preceding
        ) as from_country,
        by_method_kept + count(amount_eur) over (method range between unbounded preceding and 1 preceding) as by_method,
        -- Nothing of what is remembered at the day's end is older than this payment.
        to_receiver_told = count(*) over (
            partition by sender_account_id, history_day, receiver_account_id
            order by paid_at range between current row and unbounded following
        ) as is_first_to_receiver,
        log_sum_kept
        + coalesce(sum(log_amount) over (method range between unbounded preceding and 1 preceding), 0) as log_sum,
        min(if(own_device_id is null, null, paid_at)) over (today range unbounded preceding) as first_device_today_at,
        min(paid_at) over (device_user range unbounded preceding) as first_on_device_today_at
    from known
    window
        receiver as (partition by receiver_account_id order by paid_at),
        stay as (
            partition by sender_account_id, country is null
            order by paid_at, kafka_partition, kafka_offset
            rows between unbounded preceding and current row
        ),
        sender as (partition by sender_account_id order by paid_at),
        last_minute as (sender range between 60000000 preceding and current row),
        last_ten_minutes as (sender range between 600000000 preceding and current row),
        last_hour as (sender range between 3600000000 preceding and current row),
        last_day as (sender range between 86400000000 preceding and current row),
        today as (partition by sender_account_id, history_day order by paid_at),
        method as (partition by sender_account_id, history_day, payment_method order by paid_at),
        device_user as (partition by own_device_id, without_device, sender_account_id, history_day order by paid_at)
),

-- Every payment twice: as its own day sees it, and as the day after does.
sights as (
    select
        transaction_id,
        own_device_id,
        without_device,
        ip_address,
        without_address,
        receiver_account_id,
        paid_at,
        seen_on_day_after,
        {%- for place in places %}
        number_to_{{ place }} = 1
        and if(seen_on_day_after, is_first_to_{{ place }}, to_{{ place }} = 0) as is_new_to_{{ place }},
        {%- endfor %}
        if(seen_on_day_after, date_add(history_day, interval 1 day), history_day) as judged_day
    from observed
    cross join unnest([false, true]) as seen_on_day_after
),

newcomers as (
    select
        transaction_id,
        seen_on_day_after,
        {%- for place, keys in places.items() %}
        countif(is_new_to_{{ place }}) over (
            partition by {{ keys }}, judged_day
            order by paid_at range between 86400000000 preceding and current row
        ) as accounts_new_to_{{ place }}_24h{{ ',' if not loop.last }}
        {%- endfor %}
    from sights
),

joined as (
    select
        observed.*,
        {%- for place in places %}
        newcomers.accounts_new_to_{{ place }}_24h,
        {%- endfor %}
        least(
            observed.first_device_today_at, coalesce(observed.first_device_kept_at, observed.first_device_today_at)
        ) as first_device_at,
        least(
            observed.first_on_device_today_at,
            coalesce(observed.first_on_device_kept_at, observed.first_on_device_today_at)
        ) as first_on_device_at
    from observed
    inner join newcomers on observed.transaction_id = newcomers.transaction_id and not newcomers.seen_on_day_after
),

-- Every payment twice: once in the account that it leaves, once in the one that it reaches.
flows as (
    select
        transaction_id,
        is_outgoing,
        cast(
            sum(received_eur) over (
                partition by account_id order by paid_at range between 900000000 preceding and 1 preceding
            ) as numeric
        ) as received_eur_15m
    from (
        select
            transaction_id,
            sender_account_id as account_id,
            paid_at,
            true as is_outgoing,
            cast(null as numeric) as received_eur
        from payments
        union all
        select
            transaction_id,
            receiver_account_id as account_id,
            paid_at,
            false as is_outgoing,
            amount_eur as received_eur
        from payments
    ) as movements
),

signals as (
    select
        joined.transaction_id,
        joined.event_time,
        joined.sender_account_id,
        joined.receiver_account_id,
        joined.amount,
        joined.currency,
        joined.amount_eur,
        joined.reporting_currency,
        joined.reporting_amount_minor,
        joined.country,
        joined.payment_method,
        joined.device_id,
        joined.batch_id,
        joined.payments_1m,
        joined.payments_1h,
        joined.payments_24h,
        cast(joined.amount_eur_1m as numeric) as amount_eur_1m,
        cast(joined.amount_eur_1h as numeric) as amount_eur_1h,
        cast(joined.amount_eur_24h as numeric) as amount_eur_24h,
        if(joined.is_small, joined.small_payments_10m, null) as small_payments_10m,
        if(
            joined.by_method >= 3,
            cast(round(joined.amount_eur / exp(cast(joined.log_sum as float64) / joined.by_method), 2) as numeric),
            null
        ) as amount_vs_usual,
        if(
            joined.country is null or joined.left_other_country_last_at < joined.paid_at - 86400000000,
            null,
            cast(floor((joined.paid_at - joined.left_other_country_last_at) / 60000000) as int64)
        ) as minutes_since_other_country,
        if(joined.payments_before > 0, joined.to_receiver, null) as payments_to_receiver_before,
        if(joined.payments_before > 0 and joined.to_receiver = 0, joined.amount_eur, null) as first_payment_eur,
        if(
            joined.own_device_id is null or joined.first_on_device_at = joined.first_device_at,
            null,
            cast(floor((joined.paid_at - joined.first_on_device_at) / 60000000) as int64)
        ) as minutes_on_device,
        if(
            joined.country is not null and joined.country_payments_before > 0, joined.from_country, null
        ) as payments_from_country_before,
        if(joined.own_device_id is null, null, joined.accounts_new_to_device_24h) as accounts_new_to_device_24h,
        if(joined.ip_address is null, null, joined.accounts_new_to_address_24h) as accounts_new_to_address_24h,
        flows.received_eur_15m,
        cast(round(safe_divide(joined.amount_eur, flows.received_eur_15m), 4) as numeric) as passed_on_share,
        joined.hour_local,
        if(
            joined.left_other_country_last_at < joined.paid_at - 86400000000 or joined.km_from_other_country < 0,
            null,
            cast(
                round(
                    joined.km_from_other_country * 3600000000
                    / greatest(joined.paid_at - joined.left_other_country_last_at, 1000000)
                ) as int64
            )
        ) as travel_kmh,
        joined.receiver_payments_1h,
        joined.accounts_new_to_receiver_24h,
        if(
            joined.receiver_payments_24h >= 5,
            cast(round(joined.accounts_new_to_receiver_24h / joined.receiver_payments_24h, 4) as numeric),
            null
        ) as new_payer_share_24h
    from joined
    inner join flows on joined.transaction_id = flows.transaction_id
    where
        flows.is_outgoing
        and {{ is_to_build(scope, 'joined') | indent(8) }}
        and {{ is_unbuilt(scope, 'joined') | indent(8) }}
)
{%- endmacro %}
