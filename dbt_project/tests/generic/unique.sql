{#- dbt's own test, which also names int_tests__block_nothing. -#}
{% test unique(model, column_name, opened=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select
        {{ column_name }},
        count(*) as row_count
    from {{ open_rows(opened) if opened else model }}
    where {{ column_name }} is not null
    group by {{ column_name }}
    having count(*) > 1
{% endtest %}
