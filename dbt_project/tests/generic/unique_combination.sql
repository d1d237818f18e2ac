{#- No two rows share the values of these columns. NULL counts as a value. -#}
{% test unique_combination(model, columns, opened=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ open_rows(opened) if opened else model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
