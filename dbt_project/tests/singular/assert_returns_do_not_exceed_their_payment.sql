{{ config(severity='warn', tags=['nightly'], meta={'dagster': {'ref': {'name': 'payment_returns'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- More money went back than was paid, or in another currency. A warning: the pipeline has done as it was told, and the
-- merchant or the provider has to say why.
select *
from {{ ref('payment_returns') }}
where is_above_original and is_recent
