{#- dbt's own test, which also names int_tests__block_nothing. -#}
{% test not_null(model, column_name, opened=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select {{ column_name }}
    from {{ open_rows(opened) if opened else model }}
    where {{ column_name }} is null
{% endtest %}
