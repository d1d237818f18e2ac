{{ config(tags=['rows'], meta={'dagster': {'ref': {'name': 'reconciliation_daily'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- depends_on: {{ ref('reconciliation_summary') }}
-- Daily reconciliation: every payment counts once. A row here is a day whose money is overstated.
select *
from {{ open_rows('reconciliation_daily') }}
where status != 'PASS'
