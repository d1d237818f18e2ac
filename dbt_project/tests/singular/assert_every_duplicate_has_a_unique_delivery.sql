{{ config(meta={'dagster': {'ref': {'name': 'deduplication_audit'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- A DUPLICATE is only one where another delivery of the id was published, or came late and was admitted.
-- A row here is a payment lost as a duplicate, or an id published more than once.
select *
from {{ ref('deduplication_audit') }}
where
    (duplicate_occurrences > 0 and unique_occurrences + admitted_occurrences = 0)
    or unique_occurrences > 1
