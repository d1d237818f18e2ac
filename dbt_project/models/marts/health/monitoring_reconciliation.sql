with dated as (
    select
        *,
        coalesce(day, date(judged_at)) as judged_day
    from {{ ref('reconciliation_summary') }}
),

days as (
    select
        judged_day,
        sum(row_count) as row_count,
        sum(failed_count) as failed_count,
        sum(pending_count) as pending_count,
        max(judged_at) as judged_at
    from dated
    group by judged_day
)

select
    judged_day as day,
    row_count,
    failed_count,
    pending_count,
    -- What is pending is neither right nor wrong yet.
    cast(
        100 * cast(row_count - failed_count - pending_count as numeric)
        / nullif(row_count - pending_count, 0) as numeric
    ) as match_pct,
    judged_at,
    case
        when failed_count > 0 then 'FAILING'
        when row_count = pending_count then 'PENDING'
        else 'HEALTHY'
    end as status
from days
