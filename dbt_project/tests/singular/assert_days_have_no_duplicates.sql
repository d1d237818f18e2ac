{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_daily'}}}) }}
-- depends_on: {{ ref('pipeline_health') }}
-- Daily reconciliation: every payment counts once. A row here is a day whose money is overstated.
select *
from {{ ref('reconciliation_daily') }}
where status != 'PASS'
