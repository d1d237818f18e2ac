{#-
    The config of a model that is kept by rows with a key, in partitions of a day, and that a build adds to or changes. `by`
    is the column of the partitions, `cluster_by` the order of its rows.
-#}
{% macro kept_rows(unique_key, by='event_time', data_type='timestamp', cluster_by=none) -%}
    {%- set kept = {
        'materialized': 'incremental',
        'incremental_strategy': 'merge',
        'unique_key': unique_key,
        'on_schema_change': 'append_new_columns',
        'partition_by': {'field': by, 'data_type': data_type, 'granularity': 'day'},
        'post_hook': '{{ tell_what_is_built() }}'
    } -%}
    {%- if cluster_by -%}
        {%- do kept.update({'cluster_by': cluster_by}) -%}
    {%- endif -%}
    {{ return(kept) }}
{%- endmacro %}
