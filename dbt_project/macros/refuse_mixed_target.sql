{#-
    The local target must not reach a real project, nor the production target a local warehouse. As a hook it is rendered
    when dbt parses, so before any warehouse is asked anything, and again when dbt starts.
-#}
{% macro refuse_mixed_target() -%}
    {%- set endpoint = env_var('BIGQUERY_EMULATOR_HOST', '') -%}
    {%- if target.name == 'local' and target.project != 'payments-local' -%}
        {{ exceptions.raise_compiler_error(
            "DBT_TARGET is local but BIGQUERY_PROJECT is '" ~ target.project
            ~ "': set DBT_TARGET=production, or unset BIGQUERY_PROJECT."
        ) }}
    {%- elif target.name == 'production' and endpoint -%}
        {{ exceptions.raise_compiler_error(
            "DBT_TARGET is production but BIGQUERY_EMULATOR_HOST is '" ~ endpoint
            ~ "': unset BIGQUERY_EMULATOR_HOST, or set DBT_TARGET=local."
        ) }}
    {%- endif -%}
{%- endmacro %}
