{{ config(materialized='table', post_hook='{{ tell_that_it_is_summed_up() }}') }}

with batches as (
    select
        batch_id,
        date(max(published_at)) as day
    from {{ ref('stg_payments__batches') }}
    group by batch_id
),

judged as (
    {{- judged_days() }}
    select
        'reconciliation_batches' as reconciliation,
        batches.day,
        matched.batch_id,
        matched.status
    from {{ open_rows('reconciliation_batches') }} as matched
    left join batches on matched.batch_id = batches.batch_id
    where {{ is_open('matched.batch_id') }} and {{ is_settled('matched.batch_id') }}
    {{- closed_batches() }}
    union all
    select
        'reconciliation_control_totals' as reconciliation,
        day,
        cast(null as int64) as batch_id,
        status
    from {{ judged_control_totals() }}
    where {{ is_day_open() }}
)

select
    reconciliation,
    day,
    count(*) as row_count,
    countif(status like 'FAIL%') as failed_count,
    countif(status = 'PENDING') as pending_count,
    max(batch_id) as last_batch_id,
    {{ moment() }} as judged_at
from judged
group by reconciliation, day
{{ closed_days() }}
