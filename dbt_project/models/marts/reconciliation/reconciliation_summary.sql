{{ config(materialized='table') }}

with judged as (
    select
        'reconciliation_daily' as reconciliation,
        status
    from {{ ref('reconciliation_daily') }}
    union all
    select
        'reconciliation_batches' as reconciliation,
        status
    from {{ ref('reconciliation_batches') }}
    union all
    select
        'reconciliation_control_totals' as reconciliation,
        status
    from {{ ref('reconciliation_control_totals') }}
)

select
    reconciliation,
    count(*) as row_count,
    countif(status like 'FAIL%') as failed_count,
    countif(status = 'PENDING') as pending_count,
    {{ moment() }} as judged_at
from judged
group by reconciliation
