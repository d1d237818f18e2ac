{#-
    A seed is loaded where its file or its column types have changed since, or with --full-refresh; it is never dropped.
    A load job replaces all rows at once, so whoever reads the table, or a view over it, sees the old rows or the new ones.
    The table's label says what it was loaded from. It is taken off before a load: one that is cut short is done again.
    These two macros stand in the place of dbt-bigquery's own, which drop and load each seed at each build.
-#}
{% macro bigquery__reset_csv_table(model, full_refresh, old_relation, agate_table) %}
    {%- if not agate_table.rows -%}
        {{ exceptions.raise_compiler_error('The seed ' ~ model['name'] ~ ' has no rows: give it some, or delete it.') }}
    {%- endif -%}
{% endmacro %}

{% macro bigquery__load_csv_rows(model, agate_table) %}
    {%- set config = model['config'] -%}
    {%- set types = config.get('column_types', {}) -%}
    {%- set fingerprint = local_md5(model['checksum']['checksum'] ~ tojson(types, sort_keys=true)) -%}
    {%- set loaded = label_of(this, 'seed') -%}
    {%- if should_full_refresh() or loaded != fingerprint -%}
        {%- if loaded -%}
            {%- do run_query(set_labels(this, {})) -%}
        {%- endif -%}
        {%- do adapter.load_dataframe(
            model['database'], model['schema'], model['alias'], agate_table, types, config['delimiter']
        ) -%}
        {%- do run_query(set_labels(this, {'seed': fingerprint})) -%}
    {%- endif -%}
{% endmacro %}
