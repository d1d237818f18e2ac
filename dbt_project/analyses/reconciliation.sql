-- Is anything lost, doubled or unexplained? Every row of the three reconciliations that is not PASS.
select
    'daily' as reconciliation,
    cast(day as string) as what,
    status,
    cast(total_count - unique_count as string) as difference
from {{ ref('reconciliation_daily') }}
where status != 'PASS'
union all
select
    'batches' as reconciliation,
    concat('batch ', cast(batch_id as string), ', ', topic, '/', cast(kafka_partition as string)) as what,
    status,
    break_reason as difference
from {{ ref('reconciliation_batches') }}
where status != 'PASS'
union all
select
    'control totals' as reconciliation,
    concat(coalesce(cast(day as string), 'broker'), ', ', topic, '/', cast(kafka_partition as string)) as what,
    status,
    concat(break_reason, ', ', coalesce(cast(amount_at_stake_minor as string), '?'), ' minor units') as difference
from {{ ref('reconciliation_control_totals') }}
where status != 'PASS'
