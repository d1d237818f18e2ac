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

{#- Whether a row of days that were over before is built again: of traits that unseen corrections concern. -#}
{% macro is_new_or_corrected(scope, day) -%}
    {%- if scope.corrections -%}
        ({{ day }} or trait in (select trait from ({{ corrected_traits(scope.corrections) }})))
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- Whether a payment is of a day that was not over before, or of an account that unseen corrections concern. -#}
{% macro is_of_account_to_build(scope, alias, new_day) -%}
    {{ alias ~ '.batch_id <= ' ~ scope.last_batch if scope.last_batch else 'true' }}
    {%- if scope.corrections %}
        and (
            {{ alias }}.event_time >= timestamp({{ new_day }})
            or {{ alias }}.sender_account_id in (
                select sender_account_id from {{ ref('stg_payments__corrections') }} where {{ scope.corrections }}
            )
        )
    {%- endif -%}
{%- endmacro %}
