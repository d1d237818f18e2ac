{#-
    What builds know of each other stands in labels of their tables, which cost nothing. All labels are read once, before
    the build, and kept in dbt's own graph: a look into INFORMATION_SCHEMA is billed as a table, and the local warehouse
    reads every table for it. Whoever sets a label keeps it there as well.
-#}

{#- The hook before a build. `only` is a table whose labels are read again: it may have been made anew since. -#}
{% macro read_labels(only=none) -%}
    {%- if execute -%}
        {%- set kept = graph.get('labels', {}) if only else {} -%}
        {%- if only -%}
            {%- do kept.update({only.identifier: {}}) -%}
        {%- endif -%}
        {%- do kept.update(labels_in_warehouse(only)) -%}
        {%- do graph.update({'labels': kept}) -%}
    {%- endif -%}
{%- endmacro %}

{#- Labels by their name, of each table that has any. -#}
{% macro labels_in_warehouse(only=none) -%}
    {%- set query -%}
        select table_name, option_value
        from `{{ target.database }}`.`{{ target.schema }}`.INFORMATION_SCHEMA.TABLE_OPTIONS
        where option_name = 'labels'{{ " and table_name = '" ~ only.identifier ~ "'" if only }}
    {%- endset -%}
    {%- set found = {} -%}
    {%- for row in run_query(query).rows -%}
        {%- do found.update({row[0]: dict(modules.re.findall('"([a-z]+)", "([-0-9a-f]+)"', row[1]))}) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- The value of a label of a table; none where it has none, or there is no table. What only compiles runs no hook. -#}
{% macro label_of(relation, name) -%}
    {%- set labels = graph['labels'] if 'labels' in graph else labels_in_warehouse(relation) -%}
    {{ return(labels.get(relation.identifier, {}).get(name)) }}
{%- endmacro %}

{#- The statement that sets these labels of a table, and takes off all others. -#}
{% macro set_labels(relation, labels) -%}
    {%- set kept = {} -%}
    {%- for name, value in labels.items() if value -%}
        {%- do kept.update({name: value | string}) -%}
    {%- endfor -%}
    {%- do graph.get('labels', {}).update({relation.identifier: kept}) -%}
    alter table {{ relation }} set options (labels = [
        {%- for name, value in kept.items() %}('{{ name }}', '{{ value }}'){{ ', ' if not loop.last }}{% endfor -%}
    ])
{%- endmacro %}
