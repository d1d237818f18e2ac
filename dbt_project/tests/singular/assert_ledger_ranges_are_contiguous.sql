{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_batches'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- depends_on: {{ ref('reconciliation_summary') }}
-- Each batch begins where its partition's previous batch ended, or behind what was accepted as lost in between. Any
-- other gap is a silent loss, an overlap a double publication.
select *
from {{ open_rows('reconciliation_batches') }}
where {{ is_open() }} and start_offset != previous_end_offset + accepted_offsets
