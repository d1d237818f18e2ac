{{ config(meta={'dagster': {'ref': {'name': 'reconciliation_batches'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- Corrections, replays and erasures are numbered without a gap, and the control row knows how many there are. A row
-- here is a table from which a decision was taken, or to which one was added by hand. A build counts the corrections
-- that the last green build has not counted, the night all.
{%- set is_everything = counted_corrections() is none %}
{%- set counted = counted_corrections() or 0 %}
with counted as (
    select
        'payment_corrections' as decisions,
        {{ counted }} + count(*) as decision_count,
        {{ counted }} + count(distinct correction_id) as distinct_count,
        coalesce(max(correction_id), {{ counted }}) as newest
    from {{ ref('stg_payments__corrections') }}
    where {{ 'true' if is_everything else is_decided_open() }} and correction_id > {{ counted }}
    union all
    select
        'payment_replays' as decisions,
        count(*) as decision_count,
        count(distinct replay_id) as distinct_count,
        coalesce(max(replay_id), 0) as newest
    from {{ ref('stg_payments__replays') }}
    union all
    -- An erasure has many rows.
    select
        'payment_erasures' as decisions,
        count(distinct erasure_id) as decision_count,
        count(distinct erasure_id) as distinct_count,
        coalesce(max(erasure_id), 0) as newest
    from {{ ref('stg_payments__erasures') }}
),

told as (
    select
        'payment_corrections' as decisions,
        coalesce(sum(correction_count), 0) as told_count
    from {{ ref('stg_payments__pipelines') }}
    union all
    select
        'payment_replays' as decisions,
        coalesce(sum(replay_count), 0) as told_count
    from {{ ref('stg_payments__pipelines') }}
    union all
    select
        'payment_erasures' as decisions,
        coalesce(sum(erasure_count), 0) as told_count
    from {{ ref('stg_payments__pipelines') }}
)

select
    decisions,
    counted.decision_count,
    counted.distinct_count,
    counted.newest,
    told.told_count
from counted
inner join told using (decisions)
where
    counted.decision_count != counted.distinct_count
    or counted.decision_count != counted.newest
    or counted.decision_count != told.told_count
