{#-
    What an account does, as traits: that it pays at all, whom, from where, on which device, from which address, how. A trait
    is a fingerprint of its kind, the account and the value, as the texts would weigh five times as much. An account's name
    has no space, so no two traits have one text, and of ten billion traits a look takes one for another once in a hundred
    million times: 60 bits of an MD5, which every warehouse works out by itself. COUNTRIES and DEVICES say that any is known.
-#}
{% macro account_traits() -%}
    unnest(['ACCOUNT', 'RECEIVER', 'COUNTRY', 'COUNTRIES', 'DEVICE', 'DEVICES', 'ADDRESS', 'METHOD']) as kind
{%- endmacro %}

{#- Of a kind; NULL where a payment says nothing of it. A terminal is everybody's device. -#}
{% macro account_trait() -%}
    {%- set text -%}
        concat(
            kind,
            ' ',
            sender_account_id,
            ' ',
            case kind
                when 'ACCOUNT' then ''
                when 'RECEIVER' then receiver_account_id
                when 'COUNTRY' then country
                when 'COUNTRIES' then if(country is null, null, '')
                when 'DEVICE' then {{ own_device() }}
                when 'DEVICES' then if({{ own_device() }} is null, null, '')
                when 'ADDRESS' then ip_address
                else payment_method
            end
        )
    {%- endset -%}
    cast(concat('0x', substr(to_hex(md5({{ text }})), 1, 15)) as int64)
{%- endmacro %}

{% macro own_device() -%}
    if(device_type in ('pos', 'atm'), null, device_id)
{%- endmacro %}

{#- The logarithm of an amount, exact from here on: a sum of it does not depend on its order. -#}
{% macro log_of_amount() -%}
    cast(round(ln(cast(greatest(amount_eur, numeric '0.01') as float64)), 9) as numeric)
{%- endmacro %}

{#- Traits, by day, of payments that corrections of the condition put in or took out. -#}
{% macro corrected_traits(condition) -%}
    select distinct
        date(event_time) as day,
        {{ account_trait() }} as trait
    from (
        select
            event_time,
            sender_account_id,
            receiver_account_id,
            country,
            device_id,
            device_type,
            ip_address,
            coalesce(payment_method, 'unknown') as payment_method
        from {{ ref('stg_payments__corrections') }} as corrections
        where payments_added != 0 and transaction_id is not null and {{ condition }}
    )
    cross join {{ account_traits() }}
{%- endmacro %}

{#- To be raised with whatever changes a trait: a table of an older version is made anew. -#}
{% macro traits_version() -%}
    {{ return(2) }}
{%- endmacro %}

{#- dbt's own: whether a model is made anew, also without --full-refresh. -#}
{% macro should_full_refresh() -%}
    {%- set asked = config.get('full_refresh') -%}
    {{ return((flags.FULL_REFRESH if asked is none else asked) or has_older_traits()) }}
{%- endmacro %}

{% macro has_older_traits() -%}
    {%- if not execute or this.identifier not in ('int_accounts__days', 'int_accounts__habits') -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(load_relation(this) and (built_mark(this) or [])[5:] != [traits_version()]) }}
{%- endmacro %}

{#- Of how many days int_accounts__habits is kept: today, yesterday, and the two days of which late payments are admitted. -#}
{% macro kept_habits() -%}
    {{ return(4) }}
{%- endmacro %}

{#- Whether habits are kept of the first day, and so of all, of which a mart of signals asks what was known. -#}
{% macro are_habits_kept(scope) -%}
    {%- set mark = built_mark(ref('int_accounts__habits')) if execute and not is_unit_test() else none -%}
    {{ return(not mark or scope.first_own_day is none or scope.first_own_day > mark[3] - kept_habits()) }}
{%- endmacro %}

{#-
    build_scope of a table of traits. An erasure changes days that are over, and what is known `days_later` days later.
    `kept` is of how many of the newest days the table has rows, 0 of all.

    first        the first day that is built, or that is made anew
    new          from this day on all traits are new to the table
    is_changed   whether there is anything to build
    merged_from  of what is built the first day that is not made anew as a whole
    kept_from    the number of the first day that is kept, where days before are not
    seen         ends with the version of traits
-#}
{% macro traits_scope(upstream=[], days_later=[0], kept=0) -%}
    {%- set scope = build_scope(upstream=upstream, follows_erasures=true) -%}
    {%- if not scope -%}
        {%- set everything = day_of_number(0) -%}
        {{ return({
            'first': everything, 'new': everything, 'closed_on': never_day(), 'merged_from': everything, 'is_changed': true
        }) }}
    {%- endif -%}
    {%- set new = scope.new_day + days_later[0] -%}
    {%- set kept_from = scope.closed - kept + 1 if kept else 0 -%}
    {%- set anew = [] -%}
    {%- for day in scope.anew or [] -%}
        {%- for later in days_later if kept_from <= day + later < new and day + later not in anew -%}
            {%- do anew.append(day + later) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set built_from = [([scope.first_day, scope.closed] | min) + days_later[0], kept_from] | max -%}
    {%- set is_more = scope.first_day < scope.closed -%}
    {%- if kept and is_more -%}
        {%- do scope.update({'kept_from': kept_from}) -%}
    {%- endif -%}
    {%- do scope.update({
        'anew': anew | sort, 'new': day_of_number(new), 'closed_on': day_of_number(scope.closed),
        'first': day_of_number((anew + [built_from]) | min), 'is_changed': is_more or anew | length > 0,
        'merged_from': day_of_number(built_from) if is_more else never_day(),
        'seen': scope.seen ~ '-' ~ traits_version()
    }) -%}
    {{ return(scope) }}
{%- endmacro %}

{#- Whether a row of days that were over before is built again: of a day made anew, or a trait that corrections concern. -#}
{% macro is_new_or_corrected(scope, day) -%}
    {%- if scope.corrections or scope.anew -%}
        (
            {{ day }} >= {{ scope.new }}
            {%- if scope.anew %} or {{ is_of_days(day, scope.anew, 'date') }}{% endif -%}
            {%- if scope.corrections %} or trait in (select trait from ({{ corrected_traits(scope.corrections) }})){% endif -%}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Whether a payment is of a day that is built whole, or of an account that unseen corrections concern. -#}
{% macro is_of_account_to_build(scope, alias) -%}
    {{ is_of_batches(scope, alias ~ '.batch_id') }}
    {%- if scope.corrections or scope.anew %}
        and (
            {{ alias }}.event_time >= timestamp({{ scope.new }})
            {%- if scope.anew %}
            or {{ is_of_days(alias ~ '.event_time', scope.anew) }}
            {%- endif %}
            {%- if scope.corrections %}
            or {{ alias }}.sender_account_id in (
                select sender_account_id from {{ ref('stg_payments__corrections') }} where {{ scope.corrections }}
            )
            {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}
