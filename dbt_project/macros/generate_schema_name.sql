{#- All that dbt makes lives in the one dataset of the profile, whatever a model or a test asks for. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema }}
{%- endmacro %}
