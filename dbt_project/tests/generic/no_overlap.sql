{#- Within a key, the periods [valid_from, valid_to) neither overlap nor leave a gap; the last one is open. -#}
{% test no_overlap(model, key, valid_from, valid_to) %}
    with followed as (
        select
            {{ key }},
            {{ valid_from }},
            {{ valid_to }},
            lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}) as next_from
        from {{ model }}
    )

    select *
    from followed
    where {{ valid_to }} is distinct from next_from
{% endtest %}
