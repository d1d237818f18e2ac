-- How much comes too late, and how late: by day and currency, beside the watermark that judged it.
select
    date(deliveries.event_time) as day,
    deliveries.currency,
    count(*) as late_deliveries,
    sum(cast(deliveries.amount_minor as numeric)) as amount_minor,
    max(timestamp_diff(batches.watermark, deliveries.event_time, second)) as worst_lateness_seconds
from {{ ref('stg_payments__deliveries') }} as deliveries
inner join {{ ref('stg_payments__batches') }} as batches on deliveries.batch_id = batches.batch_id
where deliveries.disposition = 'LATE'
group by day, deliveries.currency
order by day desc, late_deliveries desc
