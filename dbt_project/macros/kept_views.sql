{#-
    A view is made anew where its text, its contract, or the columns of what it reads have changed since, or with
    --full-refresh. Its label says what it was made of. A build comes every few minutes, and nearly all of its models are
    views that are what they were. These macros stand in the place of dbt-bigquery's own, which make each view anew.
-#}
{% macro bigquery__create_or_replace_view() %}
    {%- set made = fingerprint_of_view() -%}
    {%- do made_of().update({this.identifier: made}) -%}
    {%- if label_of(this, 'view') == made and load_cached_relation(this) and not should_full_refresh() -%}
        {%- call noop_statement('main', 'KEPT', 'KEPT') -%}
            {{ sql }}
        {%- endcall -%}
        {{ return({'relations': [this.incorporate(type='view')]}) }}
    {%- endif -%}
    {{ return(dbt.bigquery__create_or_replace_view()) }}
{% endmacro %}

{#- The options of the statement that makes a view, the label among them. -#}
{% macro bigquery_view_options(config, node) %}
    {%- set options = adapter.get_view_options(config, node) -%}
    {%- set made = made_of().get(this.identifier) -%}
    {%- if made -%}
        {%- do options.update({'labels': options.get('labels', []) + [('view', made)]}) -%}
    {%- endif -%}
    {{ return(bigquery_options(options)) }}
{%- endmacro -%}

{#- What each view of this run is made of, by its name. -#}
{% macro made_of() -%}
    {%- if 'views' not in graph -%}
        {%- do graph.update({'views': {}}) -%}
    {%- endif -%}
    {{ return(graph['views']) }}
{%- endmacro %}

{% macro fingerprint_of_view() -%}
    {%- set parts = [sql] -%}
    {%- for column in model['columns'].values() -%}
        {%- do parts.append(column['name'] ~ ' ' ~ column['data_type']) -%}
    {%- endfor -%}
    {%- for id in model['depends_on']['nodes'] | sort -%}
        {%- set node = graph.nodes.get(id) or graph.sources.get(id) -%}
        {%- set name = node['identifier'] if node['resource_type'] == 'source' else node['alias'] -%}
        {%- set relation = api.Relation.create(database=node['database'], schema=node['schema'], identifier=name) -%}
        {%- if node['config']['materialized'] == 'view' -%}
            {%- do parts.append(made_of().get(name) or label_of(relation, 'view')) -%}
        {%- else -%}
            {%- do parts.append(columns_text(relation)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(local_md5(parts | join('\n'))) }}
{%- endmacro %}

{#- The columns of a table and their types, asked once in a run, after it was built. -#}
{% macro columns_text(relation) -%}
    {%- if 'columns' not in graph -%}
        {%- do graph.update({'columns': {}}) -%}
    {%- endif -%}
    {%- if relation.identifier not in graph['columns'] -%}
        {%- set columns = adapter.get_columns_in_relation(relation) -%}
        {%- do graph['columns'].update({relation.identifier: columns | map('string') | join(', ')}) -%}
    {%- endif -%}
    {{ return(graph['columns'][relation.identifier]) }}
{%- endmacro %}
