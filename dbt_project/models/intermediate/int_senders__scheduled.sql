-- By when each sender reports. Whoever the seed does not list is `any other`, by the variables' default.
with reported as (
    select distinct source from {{ ref('stg_payments__control_totals') }}
),

listed as (
    select
        sender,
        source_prefix,
        due_after,
        due_seconds,
        expected_from
    from {{ one_row_each(ref('sender_report_schedules'), 'sender', 'source_prefix') }} as schedules
    where due_seconds >= 0 and due_after in ('DAY_END', 'PUBLICATION')
    union all
    select
        'any other' as sender,
        '' as source_prefix,
        'PUBLICATION' as due_after,
        {{ var('sender_report_due_seconds') }} as due_seconds,
        cast(null as date) as expected_from
),

-- Of two prefixes the longer is a source's own.
matched as (
    select
        reported.source,
        listed.sender
    from reported
    inner join listed on starts_with(reported.source, listed.source_prefix)
    qualify row_number() over (partition by reported.source order by length(listed.source_prefix) desc) = 1
)

select
    listed.sender,
    listed.due_after,
    listed.due_seconds,
    listed.expected_from,
    matched.source
from listed
left join matched on listed.sender = matched.sender
