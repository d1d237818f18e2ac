{#- dbt's own test, which also names int_tests__block_nothing. -#}
{% test not_null(model, column_name) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} is null
{% endtest %}
