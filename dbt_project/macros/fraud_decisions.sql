{#- What people have decided, as rows that are only added: of a payment's labels, and of an entry of a list, the newest. -#}
{% macro newest_fraud_labels() -%}
    select
        transaction_id,
        label
    from {{ source('payment_data', 'payment_fraud_labels') }}
    qualify row_number() over (partition by transaction_id order by labelled_at desc, label asc) = 1
{%- endmacro %}

{#- With the reason for which somebody was put on the list, whatever was said when the entry was changed or ended. -#}
{% macro newest_fraud_lists() -%}
    select
        list_name,
        subject_kind,
        subject,
        valid_from,
        valid_to,
        first_value(reason) over (partition by entry_id order by decided_at asc) as reason
    from {{ source('payment_data', 'payment_fraud_lists') }}
    qualify row_number() over (partition by entry_id order by decided_at desc, valid_to asc) = 1
{%- endmacro %}

{#- Payments of `payments`, a CTE, that a list concerned when they were made: why they are blocked, whether allowed. -#}
{% macro listed_payments() -%}
    select
        named.transaction_id,
        min(
            if(
                lists.list_name = 'BLOCK',
                concat(lower(lists.subject_kind), ' ', lists.subject, ': ', lists.reason),
                null
            )
        ) as blocked_because,
        logical_or(lists.list_name = 'ALLOW') as is_allowed
    from (
        select
            transaction_id,
            event_time,
            subject_kind,
            case subject_kind
                when 'SENDER' then sender_account_id
                when 'RECEIVER' then receiver_account_id
                else device_id
            end as subject
        from payments
        cross join unnest(['SENDER', 'RECEIVER', 'DEVICE']) as subject_kind
    ) as named
    inner join lists
        on
            named.subject_kind = lists.subject_kind
            and named.subject = lists.subject
            and named.event_time >= lists.valid_from
            and named.event_time < lists.valid_to
    group by named.transaction_id
{%- endmacro %}
