{#- A seed with at most one row per key, whatever was typed into it: a doubled row turns the seed's own check red, and
    doubles no payment. -#}
{%- macro one_row_each(seed, key, order_by) -%}
    (
        select *
        from {{ seed }}
        qualify row_number() over (partition by {{ key }} order by {{ order_by }}) = 1
    )
{%- endmacro %}
