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
{#- Ends the run where the seed has no rate for it: every payment would be without a reported amount. -#}
{% macro refuse_unrated_currency(fx_rates) -%}
    {%- if execute and flags.WHICH in ('build', 'run') -%}
        {%- set rated = 'select 1 as is_rated from ' ~ fx_rates ~ ' where currency = ' ~ reporting_currency() -%}
        {%- if not run_query(rated ~ ' limit 1').rows -%}
            {{ exceptions.raise_compiler_error(
                "reporting_currency is '" ~ var('reporting_currency')
                ~ "', for which the seed fx_rates has no rate: name one that it has, such as EUR."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
