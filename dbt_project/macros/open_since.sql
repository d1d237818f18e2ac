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
        {%- set open = open_since(now, checked, kept) -%}
        {%- do graph.update({
            'open': open, 'are_rows_due': is_due, 'is_summed_up': false,
            'open_rows': open_since(now, looked, kept) if is_due and looked != checked else open
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
    last_batch newer ones than this were published since, and are the next build's; last_correction likewise
    begun      none of those corrections was decided before: a decision's time is that of its transaction's beginning
    told       none of them was published, and nothing decided about them, before
    decided    nothing that the last green build has not seen was decided before
    delivered  no record of theirs was written to the log before; delivered_day is the beginning of its day
    paid       none of their payments was made before; paid_day is the beginning of its day
-#}
{% macro open_since(now, label, kept) -%}
    {%- set ledger = source('payment_data', 'batch_ledger') -%}
    {%- set corrections = source('payment_raw', 'payment_corrections') -%}
    {%- if kept and (not label or label.split('-')[0] | int < kept.split('-')[0] | int) -%}
        {%- set label = kept -%}
    {%- endif -%}
    {%- if not label -%}
        {{ return({'seen': now.seen}) }}
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
        'seen': now.seen, 'since': label, 'checked': checked, 'batch': batch,
        'last_batch': now.seen.split('-')[0] | int, 'last_correction': now.seen.split('-')[1] | int,
        'begun': moment_of(now.clock - 600000000), 'told': told, 'decided': decided, 'delivered': since_minute(found[0]), 'paid': since_minute(found[1]),
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
