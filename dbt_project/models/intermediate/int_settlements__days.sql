-- The days that providers have reported of late, and which of them have not reported one.
with reporting as (
    select distinct
        zone,
        source,
        day
    from {{ ref('stg_payments__settlement_totals') }}
    where day > date_sub(date({{ moment() }}), interval {{ var('settlement_days') }} day)
),

providers as (
    select distinct source from reporting
),

expected as (
    select distinct
        reporting.zone,
        reporting.day,
        providers.source
    from reporting
    cross join providers
)

select
    expected.zone,
    expected.day,
    cast(concat(cast(date_add(expected.day, interval 1 day) as string), ' 00:00:00 ', expected.zone) as timestamp)
        as ended_at,
    string_agg(
        if(reporting.source is null, expected.source, null), ', '
        order by expected.source
    ) as missing_providers
from expected
left join reporting on expected.day = reporting.day and expected.source = reporting.source
group by expected.zone, expected.day
