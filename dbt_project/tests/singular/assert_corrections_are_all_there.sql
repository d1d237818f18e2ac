{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_batches'}}}) }}
-- depends_on: {{ ref('pipeline_health') }}
-- Corrections and replays are numbered without a gap, and the control row knows how many there are. A row here is a
-- table from which a decision was taken, or to which one was added by hand.
with counted as (
    select
        'payment_corrections' as decisions,
        count(*) as decision_count,
        count(distinct correction_id) as distinct_count,
        coalesce(max(correction_id), 0) as newest
    from {{ ref('stg_payments__corrections') }}
    union all
    select
        'payment_replays' as decisions,
        count(*) as decision_count,
        count(distinct replay_id) as distinct_count,
        coalesce(max(replay_id), 0) as newest
    from {{ ref('stg_payments__replays') }}
),

told as (
    select
        coalesce(sum(correction_count), 0) as correction_count,
        coalesce(sum(replay_count), 0) as replay_count
    from {{ ref('stg_payments__pipelines') }}
)

select
    counted.*,
    if(counted.decisions = 'payment_corrections', told.correction_count, told.replay_count) as told_count
from counted
cross join told
where
    counted.decision_count != counted.distinct_count
    or counted.decision_count != counted.newest
    or counted.decision_count
    != if(counted.decisions = 'payment_corrections', told.correction_count, told.replay_count)
