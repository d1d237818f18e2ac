with hours as (
    select
        timestamp_trunc(published_at, hour) as hour,
        sum(delivered) as delivered,
        max(latency_p50_seconds) as latency_p50_seconds,
        max(latency_p95_seconds) as latency_p95_seconds
    from {{ ref('stg_payments__batches') }}
    where published_at >= timestamp_trunc(timestamp_sub({{ moment() }}, interval 1 day), hour)
    group by hour
),

-- What the watch measured of the newest build: it is known of the present hour only.
scored as (
    select
        timestamp_trunc({{ moment() }}, hour) as hour,
        value as fraud_score_p95_seconds
    from {{ ref('int_pipeline__watched') }}
    where metric = 'event_to_fraud_score_p95_seconds'
),

limits as (
    select
        max(if(metric = 'event_to_warehouse_latency_p95_seconds', healthy_limit, null)) as healthy_limit,
        max(if(metric = 'event_to_warehouse_latency_p95_seconds', failing_limit, null)) as failing_limit,
        max(if(metric = 'event_to_fraud_score_p95_seconds', healthy_limit, null)) as fraud_healthy_limit,
        max(if(metric = 'event_to_fraud_score_p95_seconds', failing_limit, null)) as fraud_failing_limit
    from {{ ref('health_limits') }}
)

select
    hours.hour,
    hours.delivered,
    hours.latency_p50_seconds,
    hours.latency_p95_seconds,
    cast(scored.fraud_score_p95_seconds as numeric) as fraud_score_p95_seconds,
    case
        when
            cast(hours.latency_p95_seconds as numeric) > limits.failing_limit
            or scored.fraud_score_p95_seconds > limits.fraud_failing_limit
            then 'FAILING'
        when
            cast(hours.latency_p95_seconds as numeric) >= limits.healthy_limit
            or scored.fraud_score_p95_seconds >= limits.fraud_healthy_limit
            then 'DEGRADED'
        else 'HEALTHY'
    end as status
from hours
cross join limits
left join scored on hours.hour = scored.hour
