with hours as (
    select
        timestamp_trunc(published_at, hour) as hour,
        count(*) as batches,
        sum(delivered) as delivered,
        max(
            cast(delivered as numeric) * 1000 / greatest(timestamp_diff(published_at, started_at, millisecond), 1)
        ) as busiest_records_per_second,
        -- How long the oldest record had waited when it was published: the lag at its worst.
        max(timestamp_diff(published_at, min_kafka_timestamp, second)) as longest_wait_seconds
    from {{ ref('stg_payments__batches') }}
    where published_at >= timestamp_trunc(timestamp_sub({{ moment() }}, interval 1 day), hour)
    group by hour
),

limits as (
    select * from {{ one_row_each(ref('health_limits'), 'metric', 'healthy_limit') }} as listed
    where metric = 'checkpoint_lag_seconds'
)

select
    hours.hour,
    hours.batches,
    hours.delivered,
    cast(
        cast(hours.delivered as numeric)
        / greatest(least(timestamp_diff({{ moment() }}, hours.hour, second), 3600), 1) as numeric
    ) as records_per_second,
    cast(hours.busiest_records_per_second as numeric) as busiest_records_per_second,
    hours.longest_wait_seconds,
    case
        when hours.longest_wait_seconds > limits.failing_limit then 'FAILING'
        when hours.longest_wait_seconds >= limits.healthy_limit then 'DEGRADED'
        else 'HEALTHY'
    end as status
from hours
cross join limits
