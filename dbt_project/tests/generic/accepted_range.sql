{#- The column is no less than min_value and no more than max_value. NULL passes: say not_null where it must not. -#}
{% test accepted_range(model, column_name, min_value, max_value) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select {{ column_name }}
    from {{ model }}
    where {{ column_name }} not between {{ min_value }} and {{ max_value }}
{% endtest %}
