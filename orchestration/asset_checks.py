"""Checks that only Dagster can make, because they need the broker or the newest batch: all others are dbt's tests.

Belongs here: a read, a comparison, a result. Does not belong here: SQL (verification), rules over whole tables
(verification, dbt_project/tests).
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import lag_of
from orchestration.automation.backlog_reads import read_published
from orchestration.links.ways_out import rows_of, way_out
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings
from orchestration.verification.warehouse_reads import WarehouseReads
from orchestration.watch.look import judge_health
from orchestration.watch.report import way_out_of
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from spark_jobs.sinks.delta.comparison import Comparison


@dg.asset_check(
    asset=names.KAFKA_OFFSETS, description="What the broker holds unpublished is less than one micro-batch."
)
def consumer_lag_is_small(
    settings: dg.ResourceParam[StackSettings],
    broker: dg.ResourceParam[BrokerReader],
    bigquery: dg.ResourceParam[Any],
) -> dg.AssetCheckResult:
    """Published offsets against the broker's, in each build."""
    return judge_lag(lag_of(read_published(settings, bigquery), broker.read()), settings.job)


def judge_lag(lag: int, job: JobSettings) -> dg.AssetCheckResult:
    """Whether less waits than one batch takes; otherwise with what is published, to be held against the broker."""
    limit = job.max_offsets_per_batch
    metadata: dict[str, Any] = {"lag": lag, "limit": limit}
    if lag >= limit:
        published = rows_of(
            job, catalog.CONTROL.name, f"pipeline = '{job.pipeline}'", ("last_batch_id", "topic_id", "end_offsets")
        )
        metadata |= way_out("streaming", published, alert="PaymentsLagHigh")
    return dg.AssetCheckResult(passed=lag < limit, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)


@dg.asset_check(
    asset=names.BATCHES,
    description="delivered = UNIQUE + DUPLICATE + LATE + QUARANTINED + IGNORED = offsets - holes = rows.",
)
def newest_batch_conserves_records(
    settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.AssetCheckResult:
    """The conservation law for the newest batch: dbt holds it for all of them."""
    with bigquery.get_client(Work.CHECK) as client:
        batch = WarehouseReads(client, settings.job).newest_batch()
    return judge_newest_batch(batch, settings.job)


def judge_newest_batch(batch: Row | None, job: JobSettings) -> dg.AssetCheckResult:
    """Whether the four ways of counting agree; no batch yet is no break."""
    if batch is None:
        return dg.AssetCheckResult(passed=True, metadata={"batches": 0})
    tagged = sum(batch.get(f"{name.lower()}_count") or 0 for name in Disposition)
    counts = {"delivered": batch["delivered"], "tagged": tagged, "offsets": batch["offsets"], "stored": batch["stored"]}
    passed = len(set(counts.values())) == 1
    metadata: dict[str, Any] = {"batch_id": batch["batch_id"], **counts}
    if not passed:
        metadata |= way_out("streaming", rows_of_batch(job, batch["batch_id"]))
    return dg.AssetCheckResult(passed=passed, metadata=metadata)


def rows_of_batch(job: JobSettings, batch_id: int) -> str:
    """The statement of a batch's deliveries, each with its place and what became of it; without what it says."""
    columns = ("topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "disposition", "reasons")
    ledger = f"`{table_id(job, catalog.LEDGER)}`"
    times = (
        f"(select {{}} from {ledger} where batch_id = {batch_id} and pipeline = '{job.pipeline}')".format(name)
        for name in ("min_kafka_timestamp", "max_kafka_timestamp")
    )
    return rows_of(
        job,
        catalog.DELIVERIES.name,
        f"batch_id = {batch_id}\n    and kafka_timestamp between {' and '.join(times)}",
        columns,
    )


@dg.asset_check(
    asset=names.DELIVERIES,
    description="What Spark SQL reads from Delta is what the warehouse holds: records, money, offsets.",
)
def delta_agrees_with_the_warehouse(
    settings: dg.ResourceParam[StackSettings],
    spark: dg.ResourceParam[Any],
    bigquery: dg.ResourceParam[Any],
) -> dg.AssetCheckResult:
    """By partition, disposition and currency, after a run, in the session that the run has open."""
    from spark_jobs.sinks.delta.comparison import compare

    with bigquery.get_client(Work.CHECK) as client:
        found = compare(spark.spark_session, client, settings.job)
    return judge_delta(found, settings.job)


def judge_delta(found: "Comparison", job: JobSettings) -> dg.AssetCheckResult:
    """Whether the two agree; the first rows that only one of them has, and the newest batch's in the warehouse."""
    metadata: dict[str, Any] = {
        "batch_id": found.batch_id,
        "rows_compared": found.rows,
        "only_in_delta": {about: [str(row) for row in rows[:5]] for about, rows in found.only_in_delta.items()},
        "only_in_the_warehouse": {
            about: [str(row) for row in rows[:5]] for about, rows in found.only_in_warehouse.items()
        },
    }
    if not found.agrees:
        metadata |= way_out("streaming", rows_of_batch(job, found.batch_id))
    return dg.AssetCheckResult(passed=found.agrees, metadata=metadata)


@dg.asset_check(
    asset=names.HEALTH_CHECK.asset_key,
    name=names.HEALTH_CHECK.name,
    description="No health row is FAILING (error) or DEGRADED (warning). Made every minute, by a schedule of its own.",
)
def pipeline_is_healthy(
    settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.AssetCheckResult:
    """Health as the view has it now, without a new look."""
    with bigquery.get_client(Work.CHECK) as client:
        verdict = judge_health(settings, client)
    return dg.AssetCheckResult(
        passed=verdict.passed, severity=verdict.severity, metadata=verdict.metadata | way_out_of(verdict, settings.job)
    )


DEFAULT_CHECKS = [consumer_lag_is_small, newest_batch_conserves_records]
WATCH_CHECKS = [pipeline_is_healthy]
"""Made by the watch alone: a build that failed for being late could never be in time again."""
DELTA_CHECKS = [delta_agrees_with_the_warehouse]
"""Only where Delta is a sink: see build."""
