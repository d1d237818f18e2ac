{{ config(meta={'dagster': {'ref': {'name': 'pipeline_health'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- The fence: along the ledger the epoch never falls, and none is above the control row's. A row here means that a run
-- published after another had taken over.
with batches as (
    select
        pipeline,
        batch_id,
        epoch,
        lag(epoch) over (partition by pipeline order by batch_id) as previous_epoch
    from {{ open_rows('stg_payments__batches') }}
),

pipelines as (
    select * from {{ ref('stg_payments__pipelines') }}
)

select
    batches.pipeline,
    batches.batch_id,
    batches.epoch,
    batches.previous_epoch,
    pipelines.epoch as control_epoch
from batches
left join pipelines on batches.pipeline = pipelines.pipeline
where
    batches.epoch < batches.previous_epoch
    or (batches.epoch <= pipelines.epoch) is not true
