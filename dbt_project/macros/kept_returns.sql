{#-
    payment_returns reads months of payments, so it is read anew once in returns_read_days, and kept in between. Its label says
    on which day that was. Without one it is read now, and so with check_everything and --full-refresh. What a check is red
    for is read again each night, so that the check is green once it is mended.
-#}

{#- The day of the last reading, where what it gave is kept; none where it is read now. -#}
{% macro returns_read_on() -%}
    {%- if is_unit_test() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if not execute or var('check_everything') or should_full_refresh() -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set read = label_of(this, 'read') -%}
    {%- if read and (today() | int) - (read | int) < (var('returns_read_days') | int) -%}
        {%- set red = 'is_recent and (is_above_original or (is_orphan and not is_pending))' -%}
        {%- if not run_query('select countif(' ~ red ~ ') from ' ~ this).rows[0][0] | int -%}
            {{ return(read) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- From when on payments are read: none where the last reading is kept. -#}
{% macro returns_read_since(read) -%}
    {%- if read -%}
        {{ return(day_of(none)) }}
    {%- endif -%}
    timestamp_sub({{ moment() }}, interval {{ var('returns_lookback_days') }} day)
{%- endmacro %}

{#-
    What a build does: nothing where the last reading is kept, which the model's first line says, else a new table in the
    old one's place, at once. To make it of itself would write all of it again. What was erased since it was read stays out.
-#}
{% macro build_reading_sql(tmp_relation, target_relation, sql) -%}
    {%- if '; kept' in sql -%}
        {{ return('select 0 as built') }}
    {%- endif -%}
    {%- set read = 'select * from ' ~ tmp_relation ~ ' where ' ~ is_not_erased('original_transaction_id') -%}
    {{ return('create or replace table ' ~ target_relation ~ ' as (' ~ read ~ ')') }}
{%- endmacro %}

{#- Today's number. A linter has no calendar. -#}
{% macro today() -%}
    {{ return(number_of_day(modules.datetime.datetime.now(modules.pytz.utc)) if modules is defined else 0) }}
{%- endmacro %}

{#- The post-hook. -#}
{% macro tell_when_returns_were_read() -%}
    {%- if execute -%}
        {%- set day = modules.re.search('-- read on day ([0-9]+)', sql).group(1) -%}
        {{ set_labels(this, {'read': day}) }}
    {%- endif -%}
{%- endmacro %}
