"""Checks that only Dagster can make, because they need the broker or the newest batch: all others are dbt's tests.

Belongs here: a read, a comparison, a result. Does not belong here: SQL (verification), rules over whole tables
(verification, dbt_project/tests).
"""

from typing import Any

import dagster as dg

from orchestration import names
from orchestration.automation.backlog import lag_of
from orchestration.automation.backlog_reads import read_published
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings
from orchestration.verification.warehouse_reads import WarehouseReads
from orchestration.watch.look import judge_health
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.tables.row_types import Row
from spark_jobs.warehouse.job_labels import Work


@dg.asset_check(asset=names.DELIVERIES, description="What the broker holds unpublished is less than one micro-batch.")
def consumer_lag_is_small(
    settings: dg.ResourceParam[StackSettings],
    broker: dg.ResourceParam[BrokerReader],
    bigquery: dg.ResourceParam[Any],
) -> dg.AssetCheckResult:
    """Published offsets against the broker's, right after a run."""
    lag = lag_of(read_published(settings, bigquery), broker.read())
    limit = settings.job.max_offsets_per_batch
    return dg.AssetCheckResult(
        passed=lag < limit, severity=dg.AssetCheckSeverity.WARN, metadata={"lag": lag, "limit": limit}
    )


@dg.asset_check(
    asset=names.DELIVERIES,
    description="delivered = UNIQUE + DUPLICATE + LATE + QUARANTINED + IGNORED = offsets - holes = rows.",
)
def newest_batch_conserves_records(
    settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.AssetCheckResult:
    """The conservation law for the newest batch: dbt holds it for all of them."""
    with bigquery.get_client(Work.CHECK) as client:
        batch = WarehouseReads(client, settings.job).newest_batch()
    return judge_newest_batch(batch)


def judge_newest_batch(batch: Row | None) -> dg.AssetCheckResult:
    """Whether the four ways of counting agree; no batch yet is no break."""
    if batch is None:
        return dg.AssetCheckResult(passed=True, metadata={"batches": 0})
    tagged = sum(batch.get(f"{name.lower()}_count") or 0 for name in Disposition)
    counts = {"delivered": batch["delivered"], "tagged": tagged, "offsets": batch["offsets"], "stored": batch["stored"]}
    passed = len(set(counts.values())) == 1
    return dg.AssetCheckResult(passed=passed, metadata={"batch_id": batch["batch_id"], **counts})


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
    return dg.AssetCheckResult(
        passed=found.agrees,
        metadata={
            "batch_id": found.batch_id,
            "rows_compared": found.rows,
            "only_in_delta": {about: [str(row) for row in rows[:5]] for about, rows in found.only_in_delta.items()},
            "only_in_the_warehouse": {
                about: [str(row) for row in rows[:5]] for about, rows in found.only_in_warehouse.items()
            },
        },
    )


@dg.asset_check(
    asset=names.PIPELINE_HEALTH,
    name=names.HEALTH_CHECK,
    description="No health row is FAILING (error) or DEGRADED (warning). Made every minute, by a schedule of its own.",
)
def pipeline_is_healthy(
    settings: dg.ResourceParam[StackSettings], bigquery: dg.ResourceParam[Any]
) -> dg.AssetCheckResult:
    """Health as the view has it now, without a new look."""
    with bigquery.get_client(Work.CHECK) as client:
        verdict = judge_health(settings, client)
    return dg.AssetCheckResult(passed=verdict.passed, severity=verdict.severity, metadata=verdict.metadata)


DEFAULT_CHECKS = [consumer_lag_is_small, newest_batch_conserves_records]
WATCH_CHECKS = [pipeline_is_healthy]
"""Made by the watch alone: a build that failed for being late could never be in time again."""
DELTA_CHECKS = [delta_agrees_with_the_warehouse]
"""Only where Delta is a sink: see build."""
