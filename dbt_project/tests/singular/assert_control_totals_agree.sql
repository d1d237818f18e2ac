{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_control_totals'}}}) }}
-- depends_on: {{ ref('pipeline_health') }}
-- What senders say they sent is what the warehouse holds, in count and money. Differences that offsets explain are
-- pending and pass; a row here is a difference that nothing explains, with the money at stake.
select *
from {{ ref('reconciliation_control_totals') }}
where status like 'FAIL%'
