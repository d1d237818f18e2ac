{#- dbt's own test, which also names int_tests__block_nothing. -#}
{% test accepted_values(model, column_name, values) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} not in ('{{ values | join("', '") }}')
{% endtest %}
