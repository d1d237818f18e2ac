{#- Within a key, or in all, the periods [valid_from, valid_to) neither overlap nor leave a gap; the last is open. -#}
{% test no_overlap(model, valid_from, valid_to, key=none) %}
    -- depends_on: {{ ref('int_tests__block_nothing') }}
    with followed as (
        select
            *,
            lead({{ valid_from }}) over (
                {{ 'partition by ' ~ key if key else '' }} order by {{ valid_from }}
            ) as next_from
        from {{ model }}
    )

    select *
    from followed
    where {{ valid_to }} is distinct from next_from
{% endtest %}
