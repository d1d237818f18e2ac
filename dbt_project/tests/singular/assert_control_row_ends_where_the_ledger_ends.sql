{{ config(meta={'dagster': {'ref': {'name': 'pipeline_health'}}}) }}
-- depends_on: {{ ref('int_tests__block_nothing') }}
-- The control row says where the next batch begins. A row here is a partition where it disagrees with the ledger: the
-- next batch would skip or repeat what lies between. What was accepted as lost is skipped rightly. A row without a
-- partition is a control row that knows of batches, of which the ledger has none.
with ledger as (
    select
        topic,
        kafka_partition,
        max(end_offset) as ledger_end_offset
    from {{ ref('stg_payments__batch_partitions') }}
    group by topic, kafka_partition
),

accepted as (
    select
        topic,
        kafka_partition,
        sum(gaps.end_offset - gaps.start_offset) as accepted_offsets
    from ledger
    inner join {{ ref('stg_payments__accepted_gaps') }} as gaps using (topic, kafka_partition)
    where gaps.start_offset >= ledger.ledger_end_offset
    group by topic, kafka_partition
),

published as (
    select
        topic,
        kafka_partition,
        ledger.ledger_end_offset + coalesce(accepted.accepted_offsets, 0) as ledger_end_offset
    from ledger
    left join accepted using (topic, kafka_partition)
),

compared as (
    select
        published.*,
        pipelines.end_offsets,
        count(*) over (partition by published.topic, published.kafka_partition) as control_rows,
        safe_cast(
            regexp_extract(
                split(
                    pipelines.end_offsets, concat('"', cast(published.kafka_partition as string), '"')
                )[safe_offset(1)],
                r'[0-9]+'
            ) as int64
        ) as control_end_offset
    from published
    left join {{ ref('stg_payments__pipelines') }} as pipelines on published.topic = pipelines.topic
),

without_ledger as (
    select
        pipelines.topic,
        cast(null as int64) as kafka_partition,
        cast(null as int64) as ledger_end_offset,
        pipelines.end_offsets,
        1 as control_rows,
        cast(null as int64) as control_end_offset
    from {{ ref('stg_payments__pipelines') }} as pipelines
    left join ledger on pipelines.topic = ledger.topic
    where pipelines.last_batch_id > 0 and ledger.topic is null
)

select *
from compared
where
    (control_end_offset = ledger_end_offset) is not true
    or control_rows > 1
union all
select *
from without_ledger
