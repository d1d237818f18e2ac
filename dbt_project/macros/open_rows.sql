{#-
    Checks look at what is open: from the oldest record and the oldest payment on that batches and decisions have touched
    since the last build of which every check was green. The label `checked` of int_deliveries__totals tells of that build,
    in the form of `built`. Every night, with the variable check_unsealed, they look at all days that are not sealed. A
    night that finds something sets the label back: builds look at these days until it is mended, and stay red. Without the
    label, or a sealed day at night, and with the variable check_everything they look at everything.

    Checks with the tag `rows` read payments or deliveries one by one. They look together, once in
    PAYMENTS_CHECK_ROWS_MINUTES, at what is open since they last looked and all was green: the label `looked`. In between
    they pass without a look. As the label moves by a green build alone, what is red is looked at by each build.
-#}

{#- The hook before a build: what its checks have to look at, kept for all of them in dbt's own graph. -#}
{% macro begin_checks() -%}
    {%- if execute and flags.WHICH in ('build', 'test') -%}
        {%- set now = control_now() -%}
        {%- set checked = since_when('checked') -%}
        {%- set looked = checked if is_night() else since_when('looked') or checked -%}
        {%- set is_due = not looked or is_night() or are_rows_due(now.clock, looked.split('-')[2] | int) -%}
        {#- Of batches before it rows may have expired: their seals and the ledger count them. -#}
        {%- set kept = kept_since(source('payment_data', 'batch_ledger')) -%}
        {%- set open = open_since(now.seen, checked, kept) -%}
        {%- do graph.update({
            'open': open, 'are_rows_due': is_due, 'is_summed_up': false,
            'open_rows': open_since(now.seen, looked, kept) if is_due and looked != checked else open
        }) -%}
    {%- endif -%}
{%- endmacro %}

{#- What the control row says, and the warehouse's clock. -#}
{% macro control_now() -%}
    {%- set asked -%}
        select
            coalesce(max(last_batch_id), 0) as batch,
            coalesce(max(correction_count), 0) as correction,
            coalesce(min(unix_micros(updated_at)), 0) as micros,
            unix_micros({{ moment() }}) as clock
        from {{ source('payment_data', 'pipeline_control') }}
    {%- endset -%}
    {%- set row = run_query(asked).rows[0] | map('int') | list -%}
    {{ return({'seen': row[:3] | join('-'), 'clock': row[3]}) }}
{%- endmacro %}

{#- Since which build checks look, by the label of theirs; none where they look at everything. -#}
{% macro since_when(label) -%}
    {%- if var('check_everything') -%}
        {{ return(none) }}
    {%- elif var('check_unsealed') -%}
        {{ return(unsealed_since(source('payment_data', 'batch_ledger'))) }}
    {%- endif -%}
    {{ return(label_of(checked_table(), label)) }}
{%- endmacro %}

{% macro is_night() -%}
    {{ return(var('check_everything') or var('check_unsealed')) }}
{%- endmacro %}

{#- Whether checks of rows look now, by when they last did, in microseconds. -#}
{% macro are_rows_due(clock, looked) -%}
    {%- set minutes = env_var('PAYMENTS_CHECK_ROWS_MINUTES', '60' if target.name == 'production' else '0') | int -%}
    {{ return(clock - looked >= minutes * 60000000) }}
{%- endmacro %}

{#- Whether what is rendered is a check of rows. -#}
{% macro is_row_check() -%}
    {{ return('rows' in ((model | default({})).tags or [])) }}
{%- endmacro %}

{#- Whether it looks in this build. -#}
{% macro is_looking() -%}
    {{ return(graph.get('are_rows_due', true)) }}
{%- endmacro %}

{#-
    seen       what this build has seen, where it is green
    batch      newer batches are open; nothing is said of this one and those before
    last_batch newer ones than this were published since, and are the next build's
    told       none of them was published, and nothing decided about them, before
    decided    nothing that the last green build has not seen was decided before
    delivered  no record of theirs was written to the log before; delivered_day is the beginning of its day
    paid       none of their payments was made before; paid_day is the beginning of its day
-#}
{% macro open_since(seen, label, kept) -%}
    {%- set ledger = source('payment_data', 'batch_ledger') -%}
    {%- set corrections = source('payment_data', 'payment_corrections') -%}
    {%- if kept and (not label or label.split('-')[0] | int < kept.split('-')[0] | int) -%}
        {%- set label = kept -%}
    {%- endif -%}
    {%- if not label -%}
        {{ return({'seen': seen}) }}
    {%- endif -%}
    {%- set checked = label.split('-') | map('int') | list -%}
    {#- A decision's time is that of its transaction's beginning: a day is more than any takes. -#}
    {%- set decided = day_of(modules.datetime.datetime.fromtimestamp(checked[2] // 1000000 - 86400, modules.pytz.utc)) -%}
    {%- set told = decided -%}
    {%- set asked -%}
        select
            (select min(batch_id) from {{ ledger }} where published_at >= {{ told }}) as published,
            (
                select min(batch_id)
                from {{ corrections }}
                where correction_id > {{ checked[1] }} and decided_at >= {{ told }} and payments_added != 0
            ) as corrected
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] -%}
    {%- set published, corrected = (found[0] or checked[0] + 1) | int, found[1] -%}
    {#- A few batches more: those that were published while the last build checked. None of before: its rows are not read. -#}
    {%- set batch = [checked[0] - (var('checked_again_batches') | int), published - 1, 0] | max -%}
    {%- if corrected and corrected <= batch -%}
        {%- set batch = corrected | int - 1 -%}
        {%- set asked = 'select min(published_at) as told from ' ~ ledger ~ ' where batch_id > ' ~ batch -%}
        {%- set told = day_of(run_query(asked).rows[0][0]) -%}
    {%- endif -%}
    {%- set asked -%}
        select
            min(delivered) as delivered,
            min(paid) as paid
        from (
            select min_kafka_timestamp as delivered, coalesce(watermark, {{ everything() }}) as paid
            from {{ ledger }}
            where batch_id > {{ batch }} and published_at >= {{ told }}
            union all
            select kafka_timestamp as delivered, event_time as paid
            from {{ corrections }}
            where batch_id > {{ batch }} and decided_at >= {{ told }} and payments_added != 0
        )
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] -%}
    {{ return({
        'seen': seen, 'since': label, 'checked': checked, 'batch': batch, 'last_batch': seen.split('-')[0] | int,
        'told': told, 'decided': decided, 'delivered': since_minute(found[0]), 'paid': since_minute(found[1]),
        'delivered_day': day_of(found[0]), 'paid_day': day_of(found[1])
    }) }}
{%- endmacro %}

{#- In the form of `checked`: the build after which the first batch was published in the days that are not sealed. -#}
{% macro unsealed_since(ledger) -%}
    {%- set asked = 'select date_add(max(day), interval 1 day) as day from ' ~ source('payment_data', 'day_seals') -%}
    {{ return(published_since(ledger, run_query(asked).rows[0][0])) }}
{%- endmacro %}

{#- In the form of `checked`: the build after which the first batch was published of which all rows are kept. -#}
{% macro kept_since(ledger) -%}
    {%- set asked -%}
        select max(kept_from) as day
        from {{ source('payment_data', 'retention_marks') }}
        where kept in ('payment_deliveries', 'payment_transactions')
    {%- endset -%}
    {{ return(published_since(ledger, run_query(asked).rows[0][0])) }}
{%- endmacro %}

{#- The same of the first batch that was published on a day, or after; nothing where there is no such day. -#}
{% macro published_since(ledger, day) -%}
    {%- if not day -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set asked -%}
        select
            coalesce(min(batch_id) - 1, 0) as batch_id,
            unix_micros(timestamp '{{ day }} 00:00:00+00') as micros
        from {{ ledger }}
        where published_at >= timestamp '{{ day }} 00:00:00+00'
    {%- endset -%}
    {%- set found = run_query(asked).rows[0] | map('int') | list -%}
    {#- Whoever reads it looks at decisions of a day before too, and at a few batches more. -#}
    {{ return((found[0] + (var('checked_again_batches') | int)) ~ '-0-' ~ (found[1] + 86400000000)) }}
{%- endmacro %}

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

{#- The beginning of a moment's minute; without one, a minute that never comes. -#}
{% macro since_minute(moment) -%}
    {{ return(minute_of(moment) if moment else day_of(none)) }}
{%- endmacro %}

{#- The beginning of a moment's day; without one, a day that never comes. -#}
{% macro day_of(moment) -%}
    timestamp '{{ moment.date().isoformat() if moment else '9999-01-01' }} 00:00:00+00'
{%- endmacro %}

{% macro checked_table() -%}
    {{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='int_deliveries__totals')) }}
{%- endmacro %}

{#- The hook after a build: whether all was green. A build of a part, or without every check, tells nothing. -#}
{% macro end_checks(results) -%}
    {%- if execute and graph.get('open') -%}
        {%- set daily = namespace(made=[], all=[]) -%}
        {%- for result in results if result.node.resource_type == 'test' and 'nightly' not in result.node.tags -%}
            {%- do daily.made.append(result) -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'test' and 'nightly' not in node.tags -%}
            {%- do daily.all.append(node) -%}
        {%- endfor -%}
        {%- set red = daily.made | rejectattr('status', 'equalto', 'pass') | list -%}
        {%- set built = label_of(checked_table(), 'built') -%}
        {%- set is_green = not red and daily.made | length == daily.all | length -%}
        {%- if built and (is_green or (red and is_night())) -%}
            {%- set checked = graph['open'].seen if is_green else graph['open'].since -%}
            {%- set looked = checked if is_looking() else label_of(checked_table(), 'looked') -%}
            {{ set_labels(checked_table(), {'built': built, 'checked': checked, 'looked': looked}) }}
        {%- endif -%}
    {%- endif -%}
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
