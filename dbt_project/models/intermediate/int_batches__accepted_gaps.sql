with ledger as (
    select
        batch_id,
        topic,
        kafka_partition,
        start_offset,
        lag(end_offset) over (partition by topic, kafka_partition order by batch_id) as previous_end_offset
    from {{ ref('stg_payments__batch_partitions') }}
)

select
    ledger.batch_id,
    topic,
    kafka_partition,
    sum(gaps.end_offset - gaps.start_offset) as accepted_offsets
from ledger
inner join {{ ref('stg_payments__accepted_gaps') }} as gaps using (topic, kafka_partition)
where gaps.start_offset >= ledger.previous_end_offset and gaps.end_offset <= ledger.start_offset
group by ledger.batch_id, topic, kafka_partition
