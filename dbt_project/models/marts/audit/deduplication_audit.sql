with deliveries as (
    select
        *,
        -- The same bytes are the same payload: an earlier contract made the hash of unknown fields too.
        first_value(payload_hash) over (
            partition by transaction_id, value_sha256
            order by batch_id desc
        ) as newest_payload_hash
    from {{ ref('stg_payments__deliveries') }}
    where is_valid
),

corrections as (
    select * from {{ ref('int_corrections__netted') }}
)

select
    transaction_id,
    min(event_time) as first_occurrence_time,
    min(kafka_timestamp) as first_delivered_at,
    max(kafka_timestamp) as last_delivered_at,
    count(*) as occurrences,
    countif(disposition = 'UNIQUE') as unique_occurrences,
    countif(disposition = 'DUPLICATE') as duplicate_occurrences,
    countif(disposition = 'LATE') as late_occurrences,
    countif(corrections.is_admitted_late) as admitted_occurrences,
    count(distinct newest_payload_hash) - 1 as conflicts,
    array_agg(
        concat(topic, '/', cast(kafka_partition as string), '/', cast(kafka_offset as string))
        order by kafka_partition, kafka_offset
    ) as delivering_offsets
from deliveries
left join corrections using (topic, kafka_partition, kafka_offset)
group by transaction_id
