{{ config(tags=['rows'], meta={'dagster': {'ref': {'name': 'deduplication_audit'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- A DUPLICATE is only one where another delivery of the id was published, or came late and was admitted.
-- A row here is a payment lost as a duplicate, or an id published more than once. Where only open days are looked at,
-- the other delivery may be of a day before. A build asks this only where its open hours show such a row.
{{ lost_duplicates(open_days()) }}
