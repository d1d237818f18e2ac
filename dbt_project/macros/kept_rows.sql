{#-
    The config of a model that is kept by rows with a key, in partitions of a day, and that a build adds to or changes. `by`
    is the column of the partitions, `cluster_by` the order of its rows.
-#}
{% macro kept_rows(unique_key, by='event_time', data_type='timestamp', cluster_by=none, kept_by='rows') -%}
    {%- set kept = {
        'materialized': 'incremental',
        'incremental_strategy': 'merge',
        'unique_key': unique_key,
        'on_schema_change': 'append_new_columns',
        'partition_by': {'field': by, 'data_type': data_type, 'granularity': 'day'},
        'post_hook': '{{ tell_what_is_built() }}',
        'meta': {'kept_by': kept_by}
    } -%}
    {%- if cluster_by -%}
        {%- do kept.update({'cluster_by': cluster_by}) -%}
    {%- endif -%}
    {{ return(kept) }}
{%- endmacro %}

{#-
    What a build does. Where nothing is to be built, nothing is sent that is billed. A payment that was erased after the
    build has read it does not come back with it.
-#}
{% macro build_rows_sql(tmp_relation, target_relation, sql, unique_key, dest_columns) %}
    {%- set rows = 'select * from ' ~ tmp_relation -%}
    {%- if unique_key == 'transaction_id' -%}
        {%- set rows = rows ~ ' where ' ~ is_not_erased(unique_key) -%}
    {%- endif -%}
    {{ return(merge_rows_sql(rows, target_relation, sql, unique_key, dest_columns) or 'select 0 as built') }}
{% endmacro %}

{#- The condition that a payment was not erased since the build has read it; a row without an id is of none. -#}
{% macro is_not_erased(column) -%}
    {%- set erased = 'select id_hash from ' ~ source('payment_data', 'payment_erased_ids') -%}
    {{ return('(md5(' ~ column ~ ') in (' ~ erased ~ ')) is not true') }}
{%- endmacro %}

{#- The MERGE of some rows, with the condition that the model's first line says; none where nothing is to be built. -#}
{% macro merge_rows_sql(rows, target_relation, sql, unique_key, dest_columns) %}
    {%- set told = modules.re.search('-- built from (.+); seen', sql).group(1) -%}
    {%- if '9999-01-01' in told -%}
        {{ return('') }}
    {%- endif -%}
    {%- set predicates = ['DBT_INTERNAL_DEST.' ~ told] -%}
    {{ return(get_merge_sql(target_relation, '(' ~ rows ~ ')', unique_key, dest_columns, predicates)) }}
{% endmacro %}
