{#- In every row the total is the sum of its parts. -#}
{% test row_sum(model, total, parts) %}
    select
        {{ total }},
        {{ parts | join(', ') }}
    from {{ model }}
    where {{ total }} != {{ parts | join(' + ') }}
{% endtest %}
