with hours as (
    select
        timestamp_trunc(published_at, hour) as hour,
        state_keys,
        state_bytes
    from {{ ref('stg_payments__batches') }}
    where published_at >= timestamp_trunc(timestamp_sub({{ moment() }}, interval 1 day), hour)
    qualify row_number() over (partition by timestamp_trunc(published_at, hour) order by batch_id desc) = 1
),

limits as (
    select * from {{ one_row_each(ref('health_limits'), 'metric', 'healthy_limit') }} as listed
    where metric = 'state_size_mb'
)

select
    hours.hour,
    hours.state_keys,
    hours.state_bytes,
    hours.state_bytes - lag(hours.state_bytes) over (order by hours.hour) as growth_bytes,
    case
        when cast(hours.state_bytes as numeric) / 1000000 > limits.failing_limit then 'FAILING'
        when cast(hours.state_bytes as numeric) / 1000000 > limits.healthy_limit then 'DEGRADED'
        else 'HEALTHY'
    end as status
from hours
cross join limits
