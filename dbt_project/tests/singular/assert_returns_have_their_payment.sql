{{ config(severity='warn', tags=['nightly'], meta={'dagster': {'ref': {'name': 'payment_returns'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- Money went back of a payment that is not published, and is not on its way any more. A warning: it may have been late,
-- be held back, or be of before the first batch.
select *
from {{ ref('payment_returns') }}
where is_orphan and not is_pending and is_recent
