{#- What people have decided, as rows that are only added: of a payment's labels, and of an entry of a list, the newest. -#}
{% macro newest_fraud_labels() -%}
    select
        transaction_id,
        label
    from {{ source('payment_raw', 'payment_fraud_labels') }}
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
    from {{ source('payment_raw', 'payment_fraud_lists') }}
    qualify row_number() over (partition by entry_id order by decided_at desc, valid_to asc) = 1
{%- endmacro %}

{#- When the first day begins that the alert queue shows. -#}
{% macro queue_begins() -%}
    timestamp_sub(
        timestamp_trunc({{ moment() }}, day), interval {{ (var('fraud_queue_days') | int) - 1 }} day
    )
{%- endmacro %}

{#-
    What is new in payment_transactions_fraud to the table of alerts. What the label says ends with the lowest threshold:
    where it was higher, payments are missing that are alerts now, and the days of the queue are read again. So they are
    where a version wrote the label that has it at another place.
-#}
{% macro alert_scope() -%}
    {%- set scope = measured_scope('payment_transactions_fraud') -%}
    {%- set limits = ref('fraud_queue_limits') -%}
    {%- if scope -%}
        {%- set lowest = run_query('select coalesce(min(score_from), 101) from ' ~ limits).rows[0][0] | int -%}
        {%- set built = built_mark(this) if is_incremental() else none -%}
        {%- if built and lowest < (built[5:] or [101])[0] -%}
            {%- do scope.update({'oldest': everything(), 'is_whole': false}) -%}
        {%- endif -%}
        {%- do scope.update({'seen': scope.seen ~ '-' ~ lowest}) -%}
    {%- endif -%}
    {{ return(scope) }}
{%- endmacro %}

{#- The condition that the table of alerts has a payment already: measured again it may be none any more, and says so. -#}
{% macro was_alerted(scope, alias) -%}
    {%- if scope and not scope.is_whole -%}
        {{ alias }}.transaction_id in (select transaction_id from {{ this }} where event_time >= {{ scope.oldest }})
    {%- else -%}
        false
    {%- endif -%}
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
