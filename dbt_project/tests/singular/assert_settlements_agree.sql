{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_settlements'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- What providers say they settled is what counts, in count and money, by day in their zone and currency. What time,
-- late or erased payments explain passes; a row here is a difference that nothing explains: break_reason names it.
-- By day a build looks at days that were reported or touched since the last green one; every night at all of them.
select *
from {{ open_settlements() }}
where status = 'FAIL'
