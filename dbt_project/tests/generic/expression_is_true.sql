{#- The expression is true in every row; NULL is not true. -#}
{% test expression_is_true(model, expression, opened=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select *
    from {{ open_rows(opened) if opened else model }}
    where ({{ expression }}) is not true
{% endtest %}
