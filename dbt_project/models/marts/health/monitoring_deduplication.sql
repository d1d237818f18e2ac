with hours as (
    select
        timestamp_trunc(published_at, hour) as hour,
        sum(delivered) as delivered,
        sum(duplicate_count) as duplicates,
        100 * cast(sum(duplicate_count) as numeric) / nullif(sum(delivered), 0) as duplicate_rate_pct
    from {{ ref('stg_payments__batches') }}
    where published_at >= timestamp_trunc(timestamp_sub({{ moment() }}, interval 1 day), hour)
    group by hour
),

limits as (
    select * from {{ one_row_each(ref('health_limits'), 'metric', 'healthy_limit') }} as listed
    where metric = 'duplicate_rate_pct'
)

select
    hours.hour,
    hours.delivered,
    hours.duplicates,
    cast(hours.duplicate_rate_pct as numeric) as duplicate_rate_pct,
    case
        when hours.duplicate_rate_pct > limits.failing_limit then 'FAILING'
        when hours.duplicate_rate_pct > limits.healthy_limit then 'DEGRADED'
        -- No alarm rests on it: a sender that has no retries to send is as well as one that sends some.
        when hours.duplicate_rate_pct < {{ var('duplicate_rate_expected_pct') }} then 'DEGRADED'
        else 'HEALTHY'
    end as status
from hours
cross join limits
where hours.delivered > 0
