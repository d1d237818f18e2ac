with seen as (
    select
        metric,
        subject,
        detail,
        measured_seconds,
        timestamp_diff(
            -- What one look saw holds until the next is due. Later nothing is known of it but that nobody looks.
            if(
                metric = 'observation_overdue_seconds',
                {{ moment() }},
                least({{ moment() }}, timestamp_add(observed_at, interval 1 minute))
            ),
            due_at,
            second
        ) as overdue_seconds
    from {{ ref('stg_payments__observations') }}
    where metric != 'checkpoint_lag_seconds'
    -- What an older look saw is no longer looked at.
    qualify observed_at = max(observed_at) over (partition by pipeline)
),

counted as (
    select
        metric,
        detail,
        measured_seconds + greatest(coalesce(overdue_seconds, 0), 0) as seconds,
        row_number() over (
            partition by metric
            order by measured_seconds + greatest(coalesce(overdue_seconds, 0), 0) desc, subject asc
        ) as place
    from seen
)

select
    metric,
    cast(seconds as numeric) as value,
    detail
from counted
where place = 1
