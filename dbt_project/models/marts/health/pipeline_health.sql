with limits as (
    select * from {{ ref('health_limits') }}
),

measured as (
    select * from {{ ref('int_pipeline__measured') }}
)

select
    limits.metric,
    cast(measured.value as numeric) as value,
    limits.target,
    case
        when limits.comparison = '<=' and measured.value <= limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '<' and measured.value < limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '>=' and measured.value >= limits.healthy_limit then 'HEALTHY'
        when limits.comparison = '>=' and measured.value < limits.failing_limit then 'FAILING'
        when limits.comparison in ('<', '<=') and measured.value > limits.failing_limit then 'FAILING'
        when measured.value is null then 'FAILING'
        else 'DEGRADED'
    end as status
from limits
left join measured on limits.metric = measured.metric
