{#- What senders report of their records, as the warehouse says it of a delivery: day, currency, money and hash. -#}
{% macro told_day(alias) -%}
    date(if({{ alias }}.is_valid, {{ alias }}.event_time, {{ alias }}.kafka_timestamp))
{%- endmacro %}

{% macro told_currency(alias) -%}
    if({{ alias }}.is_valid, {{ alias }}.currency, '')
{%- endmacro %}

{% macro told_amount_minor(alias) -%}
    cast(if({{ alias }}.is_valid, {{ alias }}.amount_minor, 0) as numeric)
{%- endmacro %}

{% macro told_hash(alias) -%}
    cast(cast(concat('0x', substr(to_hex({{ alias }}.value_sha256), 1, 15)) as int64) as numeric)
{%- endmacro %}

{#- The same of a receipt of what was erased. -#}
{% macro receipt_currency() -%}
    if(disposition in ('QUARANTINED', 'IGNORED'), '', currency)
{%- endmacro %}

{% macro receipt_amount_minor() -%}
    if(disposition in ('QUARANTINED', 'IGNORED'), 0, amount_minor)
{%- endmacro %}
