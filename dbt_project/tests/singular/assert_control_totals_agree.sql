{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_control_totals'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- depends_on: {{ ref('reconciliation_summary') }}
-- What senders say they sent is what the warehouse holds, in count, money and hash total, and what the broker gave out.
-- Differences that offsets explain are pending and pass; a row here is a difference that nothing explains: break_reason
-- names it, with the money at stake and the offsets and micro-batches to look at.
select *
from {{ open_rows('reconciliation_control_totals', days_before=2, since=open_days()) }}
where status = 'FAIL' and {{ is_day_open() }}
