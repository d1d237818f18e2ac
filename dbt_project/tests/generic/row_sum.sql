{#- In every row the total is the sum of its parts; a NULL among them is no sum. -#}
{% test row_sum(model, total, parts) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    select
        {{ total }},
        {{ parts | join(', ') }}
    from {{ model }}
    where ({{ total }} = {{ parts | join(' + ') }}) is not true
{% endtest %}
