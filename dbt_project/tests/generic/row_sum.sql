{#- In every row the total is the sum of its parts; a NULL among them is no sum. -#}
{% test row_sum(model, total, parts, opened=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select
        {{ total }},
        {{ parts | join(', ') }}
    from {{ open_rows(opened) if opened else model }}
    where ({{ total }} = {{ parts | join(' + ') }}) is not true
{% endtest %}
