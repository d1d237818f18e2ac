{#- The config of a model that is kept by rows, of which an erasure has whole days made anew: `follows_erasures`. -#}
{% macro kept_days(unique_key, by, data_type='timestamp', cluster_by=none) -%}
    {{ return(kept_rows(unique_key, by, data_type, cluster_by, kept_by='days')) }}
{%- endmacro %}

{#-
    What a build does. Days that are made anew, which the model's first line names, are taken out as a whole first, which
    BigQuery does for nothing. Whoever dies in between does all again: the label says so.
-#}
{% macro build_days_sql(tmp_relation, target_relation, sql, unique_key, partition_by, dest_columns) %}
    {%- set anew = modules.re.search('; anew ([0-9 ]+)', sql) -%}
    {%- if not anew -%}
        {{ return(build_rows_sql(tmp_relation, target_relation, sql, unique_key, dest_columns)) }}
    {%- endif -%}
    {%- set days = anew.group(1).split(' ') | map('int') | list -%}
    {%- set is_anew = is_of_days(partition_by.field, days, partition_by.data_type) -%}
    {%- set others = 'select * from ' ~ tmp_relation ~ ' where not ' ~ is_anew -%}
    {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
    {%- set script -%}
        delete from {{ target_relation }} where {{ is_anew }};
        insert into {{ target_relation }} ({{ columns }}) select {{ columns }} from {{ tmp_relation }} where {{ is_anew }};
        {{ merge_rows_sql(others, target_relation, sql, unique_key, dest_columns) }}
    {%- endset -%}
    {{ return(script) }}
{% endmacro %}
