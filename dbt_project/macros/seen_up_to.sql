{#-
    The newest batch (`last_batch_id`) or correction (`correction_count`) of this moment, as text. An incremental model asks
    before `unseen_since`, and takes and tells nothing newer: what is committed between the two and its own statement may
    be older than what it reads again, and would never be read if the model told that it had seen it. Empty where the model
    is made in one statement that reads everything.
-#}
{% macro seen_up_to(column) -%}
    {%- set pipelines = ref('stg_payments__pipelines') -%}
    {%- if not (execute and is_incremental()) -%}
        {{ return('') }}
    {%- endif -%}
    {%- set query = 'select coalesce(max(' ~ column ~ '), 0) as newest from ' ~ pipelines -%}
    {{ return(run_query(query).columns[0].values()[0] | string) }}
{%- endmacro %}

{#- The expression, and no more than the bound where there is one; NULL stays NULL. -#}
{% macro capped(expression, bound) -%}
    {%- if bound -%}
        if({{ expression }} > {{ bound }}, {{ bound }}, {{ expression }})
    {%- else -%}
        {{ expression }}
    {%- endif -%}
{%- endmacro %}

{#- The condition that a payment was published in that batch or before. -#}
{% macro published_by(last_batch) -%}
    {%- if last_batch -%}
        batch_id <= {{ last_batch }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
