{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_batches'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- depends_on: {{ ref('reconciliation_summary') }}
-- The conservation law: in every batch and partition, offset range = delivered = UNIQUE + DUPLICATE + LATE +
-- QUARANTINED + IGNORED, by the ledger, by the deliveries and by the payments. A row here is a record lost, doubled or
-- renamed.
select *
from {{ open_rows('reconciliation_batches') }}
where status != 'PASS' and {{ is_open() }} and {{ is_settled() }}
