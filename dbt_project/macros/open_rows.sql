{#- The rows that checks look at, by what open_since has found. -#}

{#- What begin_checks found for what is rendered; nothing where all is looked at, and in a unit test. -#}
{% macro open_now() -%}
    {%- if not execute or is_unit_test() -%}
        {{ return({}) }}
    {%- endif -%}
    {{ return(open_to_rows() if is_row_check() else (graph.get('open') or {})) }}
{%- endmacro %}

{#- The same, from the beginning of the days on: what is compared by whole days, or with a payment of earlier that day. -#}
{% macro open_days() -%}
    {%- set since = open_now() -%}
    {{ return(dict(since, delivered=since.delivered_day, paid=since.paid_day) if since.told else since) }}
{%- endmacro %}

{#-
    Whether every check was green after a mart was built, which is not built at each build: then there is nothing new in it
    to look at. What it has seen stands in dbt's graph once it is built.
-#}
{% macro is_checked(name) -%}
    {%- set checked, seen = open_now().checked, (graph.get('seen') or {}).get(name) if execute else none -%}
    {{ return(checked and seen and checked[0] >= seen[0] and checked[1] >= seen[1]) }}
{%- endmacro %}

{#- What bounds an open table's rows, by what `since` says; none where all are looked at. -#}
{% macro open_condition(name, days_before=0, since=none) -%}
    {%- set bounds = {
        'batch_ledger': ('published_at', 'told'),
        'stg_payments__batches': ('published_at', 'told'),
        'stg_payments__corrections': ('decided_at', 'told'),
        'payment_corrections': ('decided_at', 'told'),
        'payment_backfills': ('decided_at', 'told'),
        'payment_deliveries': ('kafka_timestamp', 'delivered'),
        'stg_payments__deliveries': ('kafka_timestamp', 'delivered'),
        'payment_errors': ('kafka_timestamp', 'delivered'),
        'payment_transactions': ('event_time', 'paid'),
        'stg_payments__transactions': ('event_time', 'paid'),
        'int_payments__valued': ('event_time', 'paid'),
        'int_corrections__valued': ('event_time', 'paid'),
        'payment_transactions_fraud': ('event_time', 'paid'),
        'payment_metrics': ('window_start', 'paid')
    } -%}
    {%- set since = open_now() if since is none else since -%}
    {%- if since.settled and name == 'stg_payments__settlement_totals' -%}
        day >= date({{ since.settled }})
    {%- elif since.told and name in bounds -%}
        {{ bounds[name][0] }} >= timestamp_sub({{ since[bounds[name][1]] }}, interval {{ days_before }} day)
    {%- endif -%}
{%- endmacro %}

{#- The condition that a batch is open. One that was published since the build began is left to the next. -#}
{% macro is_open(column='batch_id') -%}
    {%- set since = open_now() -%}
    {%- if since.told -%}
        {{ column }} > {{ since.batch }}
        and {{ column }} not in (
            select newer.batch_id
            from {{ ref('stg_payments__batches') }} as newer
            where newer.batch_id > {{ since.last_batch }} and newer.published_at >= {{ since.told }}
        )
    {%- else -%}
        {%- if not is_unit_test() -%}
            {%- do ref('stg_payments__batches') -%}
        {%- endif -%}
        true
    {%- endif -%}
{%- endmacro %}

{#-
    The condition that nothing was decided about a batch's payments since the build began: it may be about an older payment
    than those that are read. The next build looks at the batch.
-#}
{% macro is_settled(column='batch_id') -%}
    {%- set since = open_now() -%}
    {%- if since.told -%}
        {{ column }} not in (
            select decided.batch_id
            from {{ ref('stg_payments__corrections') }} as decided
            where
                decided.correction_id > {{ since.last_correction }}
                and decided.decided_at >= {{ since.begun }}
                and decided.payments_added != 0
                and decided.batch_id is not null
        )
    {%- else -%}
        {%- if not is_unit_test() -%}
            {%- do ref('stg_payments__corrections') -%}
        {%- endif -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- The condition that a decision is one that the last green build may not have seen. -#}
{% macro is_decided_open(column='decided_at') -%}
    {%- set since = open_now() -%}
    {{ column ~ ' >= ' ~ since.decided if since.told else 'true' }}
{%- endmacro %}

{#- How many corrections the last green build has counted; none where all are counted, as after a restored backup. -#}
{% macro counted_corrections() -%}
    {%- set since = open_now() -%}
    {%- set is_counted = since.told and not var('check_unsealed') and since.checked[1] <= since.seen.split('-')[1] | int -%}
    {{ return(since.checked[1] if is_counted else none) }}
{%- endmacro %}

{#- The condition that all of a day was looked at: its records may be written the day after, or the day before. -#}
{% macro is_day_open() -%}
    {%- set since = open_now() -%}
    {{ '(day is null or day >= date_sub(date(' ~ since.delivered ~ '), interval 1 day))' if since.told else 'true' }}
{%- endmacro %}

{#-
    The condition that an id has no payment whose delivery is of before what is open, nor may have: its payment is looked
    for from an hour before its first delivery's time on. Of a retry with a new time the payment may be days older: then
    the batch's own transaction has found it, and said so.
-#}
{% macro is_paid_since(since) -%}
    {%- if since.told -%}
        first_occurrence_time >= timestamp_add({{ since.paid }}, interval 1 hour)
        and transaction_id not in (
            select transaction_id
            from {{ open_rows('stg_payments__transactions', since=since) }}
            where kafka_timestamp < {{ since.delivered }}
        )
        and transaction_id not in (
            select transaction_id
            from {{ ref('stg_payments__corrections') }}
            where
                kind = 'RETRACTED_DUPLICATE'
                and transaction_id is not null
                and decided_at >= timestamp_sub({{ since.delivered }}, interval 1 day)
        )
    {%- else -%}
        {%- do ref('stg_payments__transactions') -%}
        {%- do ref('stg_payments__corrections') -%}
        true
    {%- endif -%}
{%- endmacro %}

{#-
    The rows of a model that checks look at: partitions of the days that are open, and so many days before. A view that
    joins or groups is asked by its own text, with the open rows of what it reads in the place of it: a condition outside
    of it would prune nothing. Such a view stands in `views_to_open`. `since` is what bounds them, if not what is open.
-#}
{% macro open_rows(name, days_before=0, since=none) -%}
    {%- set condition = open_condition(name, days_before, since) | trim -%}
    {%- if since is not none and since.is_summed and name == 'int_control_totals__warehouse' -%}
        {{ summed_up_deliveries(since) }}
    {%- elif condition -%}
        (select * from {{ ref(name) }} where {{ condition }})
    {%- elif name not in views_to_open() or not open_now().told -%}
        {%- for below in (views_to_open()[name] or []) if not is_unit_test() -%}
            {%- do ref(below) -%}
            {%- if below in views_to_open() -%}
                {%- do open_rows(below) -%}
            {%- endif -%}
        {%- endfor -%}
        {{ ref(name) }}
    {%- else -%}
        {%- set text = namespace(sql=graph.nodes['model.payments.' ~ name].raw_code) -%}
        {#- The ledger's own rows are few, and the newest stays the newest. -#}
        {%- for below in views_to_open()[name] if below != 'stg_payments__batches' -%}
            {%- set rows = open_rows(below, days_before, since) -%}
            {%- if name == 'int_partitions__matched' and below == 'int_deliveries__tallied' -%}
                {%- set rows = open_or_told(rows) -%}
            {%- endif -%}
            {%- set text.sql = text.sql | replace("{{ ref('" ~ below ~ "') }}", rows) -%}
        {%- endfor -%}
        ({{ render(text.sql) }})
    {%- endif -%}
{%- endmacro %}

{#- Views of which the open rows are asked by their text, and all that they read. -#}
{% macro views_to_open() -%}
    {{ return({
        'int_corrections__netted': ['stg_payments__corrections'],
        'int_batches__corrected': ['int_corrections__netted'],
        'int_deliveries__tallied': ['stg_payments__deliveries', 'stg_payments__erasures'],
        'int_late_deliveries__judged': [
            'stg_payments__deliveries', 'stg_payments__transactions', 'stg_payments__corrections'
        ],
        'int_control_totals__warehouse': [
            'stg_payments__deliveries', 'stg_payments__replays', 'stg_payments__erasures', 'int_late_deliveries__judged'
        ],
        'int_control_totals__due': [
            'int_control_totals__warehouse', 'int_senders__scheduled', 'stg_payments__control_totals',
            'stg_payments__batches', 'stg_payments__kafka_offsets'
        ],
        'int_control_totals__compared': [
            'int_control_totals__warehouse', 'int_control_totals__due', 'int_control_totals__sender',
            'int_partitions__progress'
        ],
        'int_partitions__matched': [
            'int_deliveries__tallied', 'stg_payments__batch_partitions', 'stg_payments__accepted_gaps',
            'stg_payments__control_totals', 'stg_payments__kafka_offsets', 'stg_payments__batches'
        ],
        'reconciliation_control_totals': ['int_control_totals__compared', 'int_partitions__matched'],
        'reconciliation_batches': [
            'int_deliveries__tallied', 'int_batches__corrected', 'stg_payments__transactions',
            'stg_payments__batch_partitions', 'stg_payments__batches', 'int_batches__accepted_gaps'
        ],
        'int_settlements__warehouse': [
            'stg_payments__settlement_totals', 'payment_metrics', 'int_late_deliveries__judged',
            'stg_payments__erasures', 'currencies'
        ],
        'reconciliation_settlements': [
            'stg_payments__settlement_totals', 'int_settlements__warehouse', 'int_settlements__days',
            'int_partitions__progress', 'stg_payments__batches'
        ],
        'reconciliation_daily': ['int_payments__valued'],
        'deduplication_audit': ['stg_payments__deliveries', 'int_corrections__netted'],
        'ignored_records': ['stg_payments__deliveries'],
        'payments_current': ['stg_payments__transactions', 'stg_payments__deliveries']
    }) }}
{%- endmacro %}

{#-
    The days of providers that a check compares: those of reports that came since the last green build, and those of which
    payments are open. A day of a provider's zone begins within a day of UTC's, and what is late comes after it.
-#}
{% macro open_settlements() -%}
    {%- set reports = ref('stg_payments__settlement_totals') -%}
    {%- set since = open_now() -%}
    {%- if not since.told -%}
        {{ open_rows('reconciliation_settlements') }}
    {%- else -%}
        {%- set asked -%}
            select min(day) as day from {{ reports }} where reported_at >= {{ since.told }} or day >= date({{ since.paid }})
        {%- endset -%}
        {%- set day = run_query(asked).rows[0][0] -%}
        {%- set settled = "timestamp '" ~ (day or '9999-01-01') ~ " 00:00:00+00'" -%}
        {%- set begun = 'timestamp_sub(' ~ settled ~ ', interval 1 day)' -%}
        {{ open_rows('reconciliation_settlements', since={
            'settled': settled, 'told': since.told, 'delivered': begun, 'paid': begun
        }) }}
    {%- endif -%}
{%- endmacro %}

{#- What reconciliation_summary said of days that are not open; batches of open days that are not were all right. -#}
{% macro closed_batches() -%}
    {%- if open_now().told %}
    union all
    select
        'reconciliation_batches' as reconciliation,
        date(batches.published_at) as day,
        batches.batch_id,
        'PASS' as status
    from {{ ref('stg_payments__batch_partitions') }} as partitions
    inner join {{ open_rows('stg_payments__batches') }} as batches on partitions.batch_id = batches.batch_id
    where batches.batch_id <= {{ open_now().batch }} and date(batches.published_at) >= date({{ open_now().told }})
    {%- elif not is_unit_test() -%}
        {%- do ref('stg_payments__batch_partitions') -%}
        {%- do open_rows('stg_payments__batches') -%}
    {%- endif -%}
{%- endmacro %}

{#- Days are judged payment by payment: with the checks of rows. In between stands what the last look said. -#}
{% macro judged_days() -%}
    {%- set rows = open_rows('reconciliation_daily', since=open_to_rows()) -%}
    {%- if are_days_judged() %}
    select
        'reconciliation_daily' as reconciliation,
        day,
        cast(null as int64) as batch_id,
        status
    from {{ rows }}
    union all
    {%- endif -%}
{%- endmacro %}

{% macro are_days_judged() -%}
    {{ return(not execute or is_unit_test() or is_looking() or not load_relation(this)) }}
{%- endmacro %}

{#- What is open to the checks of rows. -#}
{% macro open_to_rows() -%}
    {{ return((graph.get('open_rows') or {}) if execute and not is_unit_test() else {}) }}
{%- endmacro %}

{% macro closed_days() -%}
    {%- if open_now().told and load_relation(this) %}
union all
select *
from {{ this }}
where
    (
        reconciliation = 'reconciliation_daily'
        and {{ 'day < date(' ~ open_to_rows().paid ~ ')' if are_days_judged() else 'true' }}
    )
    or (reconciliation = 'reconciliation_batches' and day < date({{ open_now().told }}))
    or (reconciliation = 'reconciliation_control_totals' and not {{ is_day_open() }})
    {%- endif -%}
{%- endmacro %}

{#- Of open batches what is stored, and of all others what the ledger says: a partition's total is of both. -#}
{% macro open_or_told(rows) -%}
    (
        select batch_id, topic, kafka_partition, delivered, min_offset, max_offset
        from {{ rows }}
        where {{ is_open() }}
        union all
        select batch_id, topic, kafka_partition, delivered, start_offset as min_offset, end_offset - 1 as max_offset
        from {{ ref('stg_payments__batch_partitions') }}
        where not ({{ is_open() }})
    )
{%- endmacro %}

{#- dbt's own, by which a generic test asks a table: for what is open of it. -#}
{% macro get_where_subquery(relation) -%}
    {%- set condition = 'false' if is_checked(relation.identifier) else open_condition(relation.identifier) | trim -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ condition ~ ')' if condition else relation) }}
{%- endmacro %}
