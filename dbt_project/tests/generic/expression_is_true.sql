{#- The expression is true in every row; NULL is not true. -#}
{% test expression_is_true(model, expression) %}
    select *
    from {{ model }}
    where ({{ expression }}) is not true
{% endtest %}
