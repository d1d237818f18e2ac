{#-
    What senders report of their records, as the warehouse says it: day, currency, money and hash total. Each row is one
    delivery, or what a receipt says of deliveries that were erased.
-#}
{% macro told_delivery(alias) -%}
date(if({{ alias }}.is_valid, {{ alias }}.event_time, {{ alias }}.kafka_timestamp)) as day,
        {{ alias }}.topic,
        {{ alias }}.kafka_partition,
        if({{ alias }}.is_valid, {{ alias }}.currency, '') as currency,
        {{ alias }}.disposition,
        1 as record_count,
        cast(if({{ alias }}.is_valid, {{ alias }}.amount_minor, 0) as numeric) as amount_minor,
        cast(cast(concat('0x', substr(to_hex({{ alias }}.value_sha256), 1, 15)) as int64) as numeric) as hash_total,
        {{ alias }}.kafka_offset as min_offset,
        {{ alias }}.kafka_offset as max_offset,
        {{ alias }}.batch_id
{%- endmacro %}

{% macro told_receipt() -%}
day,
        topic,
        kafka_partition,
        if(disposition in ('QUARANTINED', 'IGNORED'), '', currency) as currency,
        disposition,
        record_count,
        if(disposition in ('QUARANTINED', 'IGNORED'), 0, amount_minor) as amount_minor,
        hash_total,
        min_offset,
        max_offset,
        batch_id
{%- endmacro %}
