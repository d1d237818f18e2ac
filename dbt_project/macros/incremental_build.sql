{#-
    dbt-bigquery's own, which finds no partition to leave out. How a table is kept says its model's config: each way has a
    file of its own. The rows that were built stand in a table beside it, as `on_schema_change` is set.
-#}
{% macro bq_generate_incremental_merge_build_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, dest_columns, tmp_relation_exists, incremental_predicates
) %}
    {%- set kept_by = config.get('meta', {}).kept_by -%}
    {%- if kept_by == 'rows' -%}
        {{ return(build_rows_sql(tmp_relation, target_relation, sql, unique_key, dest_columns)) }}
    {%- elif kept_by == 'days' -%}
        {{ return(build_days_sql(tmp_relation, target_relation, sql, unique_key, partition_by, dest_columns)) }}
    {%- elif kept_by == 'readings' -%}
        {{ return(build_reading_sql(tmp_relation, target_relation, sql)) }}
    {%- endif -%}
    {{ exceptions.raise_compiler_error(target_relation ~ ': an incremental model says by `meta` what it is `kept_by`.') }}
{% endmacro %}
