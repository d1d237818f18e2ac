with limits as (
    select * from {{ one_row_each(ref('health_limits'), 'metric', 'healthy_limit') }} as listed
),

measured as (
    select
        metric,
        value,
        cast(null as string) as detail
    from {{ ref('int_pipeline__measured') }}
    union all
    select
        metric,
        value,
        detail
    from {{ ref('int_pipeline__watched') }}
)

select
    limits.metric,
    cast(measured.value as numeric) as value,
    limits.target,
    case
        when measured.metric is null then 'UNWATCHED'
        when limits.comparison = '<=' and measured.value <= limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '<' and measured.value < limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '>=' and measured.value >= limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '>=' and measured.value < limits.failing_limit then 'FAILING'
        when limits.comparison in ('<', '<=') and measured.value > limits.failing_limit then 'FAILING'
        when measured.value is null then 'FAILING'
        else 'DEGRADED'
    end as status,
    if(measured.metric is null, 'nobody looks: the schedule watch_pipeline is not on', measured.detail) as detail
from limits
left join measured on limits.metric = measured.metric
