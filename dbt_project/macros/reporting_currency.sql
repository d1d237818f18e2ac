{#- The currency that amounts are reported in besides their own, as a literal: one of the seed currencies. -#}
{% macro reporting_currency() -%}
    {%- set currency = var('reporting_currency') -%}
    {%- set is_code = currency | length == 3 and currency.isascii() and currency.isalpha() and currency.isupper() -%}
    {%- if execute and not is_code -%}
        {{ exceptions.raise_compiler_error(
            "reporting_currency is '" ~ currency ~ "': name a currency of the seed currencies, such as EUR."
        ) }}
    {%- endif -%}
    '{{ currency }}'
{%- endmacro %}
