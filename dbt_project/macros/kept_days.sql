{#- The config of a model that is kept by rows, of which an erasure has whole days made anew: `follows_erasures`. -#}
{% macro kept_days(unique_key, by, data_type='timestamp', cluster_by=none) -%}
    {{ return(kept_rows(unique_key, by, data_type, cluster_by, kept_by='days')) }}
{%- endmacro %}

{#-
    What a build does. Days that are not kept any more, and days that are made anew, are taken out as a whole first, which
    BigQuery does for nothing: the model's first line names both. Whoever dies in between does all again: the label says so.
-#}
{% macro build_days_sql(tmp_relation, target_relation, sql, unique_key, partition_by, dest_columns) %}
    {%- set anew = modules.re.search('; anew ([0-9 ]+)', sql) -%}
    {%- set kept_from = modules.re.search('; kept from day (-?[0-9]+)', sql) -%}
    {%- if not anew and not kept_from -%}
        {{ return(build_rows_sql(tmp_relation, target_relation, sql, unique_key, dest_columns)) }}
    {%- endif -%}
    {%- set rows, statements = 'select * from ' ~ tmp_relation, [] -%}
    {%- if kept_from -%}
        {%- set first = beginning_of(kept_from.group(1) | int, partition_by.data_type) -%}
        {%- do statements.append('delete from ' ~ target_relation ~ ' where ' ~ partition_by.field ~ ' < ' ~ first) -%}
    {%- endif -%}
    {%- if anew -%}
        {%- set days = anew.group(1).split(' ') | map('int') | list -%}
        {%- set is_anew = is_of_days(partition_by.field, days, partition_by.data_type) -%}
        {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
        {%- set named = 'select ' ~ columns ~ ' from ' ~ tmp_relation -%}
        {%- do statements.append('delete from ' ~ target_relation ~ ' where ' ~ is_anew) -%}
        {%- do statements.append('insert into ' ~ target_relation ~ ' (' ~ columns ~ ') ' ~ named ~ ' where ' ~ is_anew) -%}
        {%- set rows = rows ~ ' where not ' ~ is_anew -%}
    {%- endif -%}
    {%- do statements.append(merge_rows_sql(rows, target_relation, sql, unique_key, dest_columns)) -%}
    {{ return(statements | select | join(';\n')) }}
{% endmacro %}
