select
    pipeline,
    metric,
    subject,
    state,
    since,
    due_at,
    measured_seconds,
    detail,
    observed_at
from {{ source('payment_data', 'pipeline_observations') }}
