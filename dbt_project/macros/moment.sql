{#- The moment of reading. A macro, so that a unit test can set it. -#}
{% macro moment() -%}
    current_timestamp()
{%- endmacro %}
