"""What the page asks the warehouse, and what each question reads.

Belongs here: the statements, and the list of the monitoring queries that page, command and docs share. Does not belong
here: asking them (gathering). A large table is read by its partitions of the last day only, and BigQuery refuses, at no
cost, what would read more than MAX_BYTES: the section then says so. `reads` is what a row of the table costs; a day has
43,200 batches where there is one every two seconds.
"""

from dataclasses import dataclass

MAX_BYTES = 1_000_000_000
"""What one statement may read at most."""

RECONCILIATION, HEALTH = "judged", "health"
CONTROL, COMPARED, BINS, BATCHES, INCIDENTS = "control", "compared", "bins", "batches", "incidents"
QUARANTINE, CONFLICTS, LATE, SENDERS, FRAUD = "quarantine", "conflicts", "late", "senders", "fraud"
COSTS, LAG, HISTORY = "costs", "lag", "history"

_DAY = "published_at >= timestamp_sub(current_timestamp(), interval 1 day)"


@dataclass(frozen=True, slots=True)
class Statement:
    """One question. `needs` are the relations that dbt builds; before the first build it has no answer."""

    sql: str
    reads: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MonitoringQuery:
    """One query: its `model` is a view that dbt builds; `order` is the column that its rows are sorted by."""

    name: str
    model: str
    question: str
    healthy: str
    order: str = "hour"

    @property
    def sql(self) -> str:
        """The query, newest rows first."""
        return f"select * from {{{self.model}}} order by {self.order} desc limit 30"


QUERIES = {
    query.name: query
    for query in (
        MonitoringQuery(
            "deduplication",
            "monitoring_deduplication",
            "Which share of the records are duplicates, hour by hour?",
            "HEALTHY from 1 to 5 %, FAILING above 10 %",
        ),
        MonitoringQuery(
            "state-growth",
            "monitoring_state_growth",
            "How large is the deduplication state, and does it grow without bound?",
            "HEALTHY up to 400 MB, FAILING above 1,600 MB",
        ),
        MonitoringQuery(
            "reconciliation",
            "monitoring_reconciliation",
            "Do senders, broker and warehouse agree, day by day?",
            "HEALTHY at 100 % of what is due, FAILING below",
            order="day",
        ),
        MonitoringQuery(
            "latency",
            "monitoring_latency",
            "How long does a payment take to the warehouse, and to its fraud score?",
            "HEALTHY below 30 s and 10 min, FAILING above 2 min and 40 min",
        ),
        MonitoringQuery(
            "throughput",
            "monitoring_throughput",
            "How many records a second are published, and how long did one wait at most?",
            "HEALTHY below 1 h of waiting, FAILING above 4 h",
        ),
    )
}
"""By the name that `payments query` takes."""


def documented() -> str:
    """The table of docs/dashboard.md."""
    rows = [f"| `{query.name}` | `{query.model}` | {query.question} | {query.healthy} |" for query in QUERIES.values()]
    return "\n".join(["| name | model | question | status |", "|---|---|---|---|", *rows]) + "\n"


AT_ONE_MOMENT = {
    CONTROL: Statement(
        "select last_batch_id, end_offsets, watermark, digest from {pipeline_control} where pipeline = @pipeline",
        "200 bytes",
    ),
    RECONCILIATION: Statement(
        "select * from {reconciliation_summary} order by reconciliation, day",
        "60 bytes a reconciliation and day",
        needs=("reconciliation_summary",),
    ),
    COMPARED: Statement(
        f"""
        with compared as (select max(last_batch_id) as batch_id from {{reconciliation_summary}})
        select
            compared.batch_id,
            max(if(ledger.batch_id = compared.batch_id, ledger.end_offsets, null)) as end_offsets,
            -- A sender's clock may be ahead: nothing was written after it was published.
            max(
                if(ledger.batch_id <= compared.batch_id, least(ledger.max_kafka_timestamp, ledger.published_at), null)
            ) as newest_record_at,
            countif(ledger.batch_id > compared.batch_id) as newer_batches,
            sum(if(ledger.batch_id > compared.batch_id, ledger.delivered, 0)) as newer_records
        from compared
        left join (select * from {{batch_ledger}} where {_DAY} and pipeline = @pipeline) as ledger on true
        group by compared.batch_id
        """,
        "140 bytes a batch of the last day: 6 MB",
        needs=("reconciliation_summary",),
    ),
    BINS: Statement(
        f"""
        select
            timestamp_seconds(unix_seconds(published_at) - mod(unix_seconds(published_at), 900)) as bin,
            count(*) as batches,
            sum(delivered) as delivered,
            sum(unique_count) as unique_count,
            sum(duplicate_count) as duplicate_count,
            sum(late_count) as late_count,
            sum(quarantined_count) as quarantined_count,
            sum(coalesce(ignored_count, 0)) as ignored_count,
            max(latency_p95_seconds) as latency_p95_seconds,
            max(state_bytes) as state_bytes,
            max(timestamp_diff(published_at, min_kafka_timestamp, second)) as longest_wait_seconds
        from {{batch_ledger}}
        where {_DAY} and pipeline = @pipeline
        group by bin
        order by bin
        """,
        "100 bytes a batch of the last day: 4 MB",
    ),
    BATCHES: Statement(
        f"""
        select batch_id, delivered, unique_count, duplicate_count, late_count, quarantined_count,
            coalesce(ignored_count, 0) as ignored_count, latency_p95_seconds, published_at, digest
        from {{batch_ledger}}
        where {_DAY} and pipeline = @pipeline
        order by batch_id desc
        limit 12
        """,
        "140 bytes a batch of the last day: 6 MB",
    ),
    HEALTH: Statement(
        "select * from {pipeline_health}", "60 bytes a batch of the last week: 18 MB", needs=("pipeline_health",)
    ),
    INCIDENTS: Statement(
        """
        with published as (
            select max(published_at) as newest_at
            from {batch_ledger}
            where published_at >= timestamp_sub(current_timestamp(), interval 7 day) and pipeline = @pipeline
        ),

        -- Behind a loss that somebody has accepted there may be nothing to publish yet.
        accepted as (
            select max(accepted_at) as newest_at from {accepted_gaps} where pipeline = @pipeline
        )

        -- Compared here, to the microsecond: a batch that was published before it in the same second mends nothing.
        select
            incident_id, kind, detail, occurred_at, count(*) as partitions,
            case
                when max(published.newest_at) >= occurred_at then max(published.newest_at)
                when kind in ('OFFSETS_LOST', 'OFFSET_GAP') and max(accepted.newest_at) >= occurred_at
                    then max(accepted.newest_at)
            end as settled_at
        from {pipeline_incidents}
        cross join published
        cross join accepted
        where pipeline = @pipeline and occurred_at >= timestamp_sub(current_timestamp(), interval 7 day)
        group by incident_id, kind, detail, occurred_at
        order by occurred_at desc
        limit 20
        """,
        "200 bytes an incident, 8 bytes a batch of the last week: 2 MB, and the accepted losses",
    ),
}
"""Asked at each look, all of one state of the warehouse."""

NOW_AND_THEN = {
    HISTORY: Statement(
        """
        select
            metric,
            timestamp_seconds(unix_seconds(measured_at) - mod(unix_seconds(measured_at), 900)) as bin,
            min(value) as least,
            max(value) as most
        from {health_history}
        where measured_at >= timestamp_sub(current_timestamp(), interval 1 day) and pipeline = @pipeline
        group by metric, bin
        order by metric, bin
        """,
        "60 bytes a metric every five minutes of the last day: 0.3 MB",
        needs=("health_history",),
    ),
    QUARANTINE: Statement(
        """
        select
            reason,
            count(*) as records,
            max(kafka_timestamp) as newest_at,
            array_agg(
                concat(topic, '/', cast(kafka_partition as string), '/', cast(kafka_offset as string))
                order by kafka_timestamp desc limit 3
            ) as samples
        from {payment_deliveries}, unnest(reasons) as reason
        where kafka_timestamp >= timestamp_sub(current_timestamp(), interval 1 day) and disposition = 'QUARANTINED'
        group by reason
        order by records desc, reason
        limit 20
        """,
        "50 bytes a record of two partitions, of which clustering leaves the quarantined ones",
    ),
    LATE: Statement(
        f"""
        select currency, sum(record_count) as records, sum(amount_minor) as amount_minor
        from {{batch_ledger_amounts}}
        where disposition = 'LATE'
            and batch_id >= (select min(batch_id) from {{batch_ledger}} where {_DAY} and pipeline = @pipeline)
        group by currency
        order by records desc
        """,
        "40 bytes a batch, disposition and currency",
    ),
    CONFLICTS: Statement(
        """
        select published_offset, published_currency, payloads, exposure_eur, last_payload_at,
            count(*) over () as open_count, sum(exposure_eur) over () as open_eur,
            countif(exposure_eur is null) over () as unvalued_count
        from {payment_conflicts}
        where not is_decided
        -- What nobody can value may be worth a fortune.
        order by exposure_eur desc nulls first, last_payload_at desc
        limit 10
        """,
        "150 bytes a record: the mart compares all deliveries",
        needs=("payment_conflicts",),
    ),
    SENDERS: Statement(
        """
        select source, max(reported_at) as reported_at, max(day) as newest_day,
            sum(delivered_count) as records, sum(unique_count) as payments
        from {sender_control_totals}
        where day >= date_sub(current_date(), interval 7 day)
        group by source
        order by reported_at desc
        limit 20
        """,
        "60 bytes a report, day, partition and currency",
    ),
    FRAUD: Statement(
        """
        select
            day,
            count(*) as alerts,
            countif(label is null) as unlabelled,
            sum(payment_count) as payments,
            sum(alerted_eur) as amount_eur
        from {fraud_alert_queue}
        where day >= date_sub(current_date(), interval 1 day)
        group by day
        order by day desc
        """,
        "250 bytes a payment of the queue's days that may be an alert",
        needs=("fraud_alert_queue",),
    ),
    **{
        query.name: Statement(query.sql, "50 bytes a batch of the last day", needs=(query.model,))
        for query in QUERIES.values()
    },
}
"""Asked every few minutes only: they read more."""

BILLED = Statement(
    """
    select date(creation_time) as day, sum(total_bytes_billed) as bytes_billed, count(*) as jobs
    from `region-{location}`.INFORMATION_SCHEMA.JOBS
    -- A script's job tells what its statements came to: those are left out.
    where creation_time >= timestamp_sub(current_timestamp(), interval 7 day) and job_type = 'QUERY'
        and parent_job_id is null
    group by day
    order by day desc
    """,
    "10 MB, the least there is",
)
"""What BigQuery itself has billed. The local warehouse bills nothing, and is not asked."""

ALL = AT_ONE_MOMENT | NOW_AND_THEN

RELATIONS = tuple(sorted({name for statement in ALL.values() for name in statement.needs}))
"""What of the statements above dbt builds."""
