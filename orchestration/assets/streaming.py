"""What Spark publishes, and the broker's offsets that it is held against.

Belongs here: one asset per table of the streaming job, a materialization per micro-batch, the broker's offsets as a
table. Does not belong here: Spark code (spark_jobs), dbt models (dbt_models), the topic itself (external).
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.assets.dataproc_run import publish_at_dataproc
from orchestration.automation.heartbeats import beating
from orchestration.automation.workers import this_worker
from orchestration.dataproc.request import Shift
from orchestration.settings import StackSettings
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import BY_LEASE, SettingError
from spark_jobs.tables import catalog

PUBLISHED_TABLES = (
    catalog.DELIVERIES,
    catalog.TRANSACTIONS,
    catalog.LEDGER,
    catalog.LEDGER_PARTITIONS,
    catalog.LEDGER_AMOUNTS,
    catalog.CONTROL,
)


class ShiftConfig(dg.Config):
    """How long a run goes on: until the backlog has stayed away for `idle_seconds`, or `max_seconds` are up.

    Batches begin at least `batch_seconds` apart, but for those of one backlog.
    """

    idle_seconds: int = 0
    max_seconds: int = 600
    batch_seconds: int = 0


@dg.multi_asset(
    name=names.PUBLISH_OP,
    specs=[
        dg.AssetSpec(
            [names.PREFIX, table.name],
            deps=[names.PAYMENT_EVENTS],
            description=table.description,
            group_name="streaming",
            kinds={"spark", "bigquery"},
            owners=names.OWNERS,
            # Its materializations are the batches', recorded as they are published.
            skippable=table is catalog.DELIVERIES,
        )
        for table in PUBLISHED_TABLES
    ],
    pool="spark",
    retry_policy=dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS),
)
def publish_payments(
    context: dg.AssetExecutionContext,
    config: ShiftConfig,
    settings: dg.ResourceParam[StackSettings],
    spark: dg.ResourceParam[Any],
) -> Iterator[dg.MaterializeResult[None]]:
    """Drain the backlog in micro-batches, each published in one transaction and recorded as one materialization."""
    context.instance.add_run_tags(context.run.run_id, {names.WORKER_TAG: this_worker(settings.home / names.WORKERS)})
    is_anywhere = settings.job.turn == BY_LEASE
    metadata: dict[str, Any]
    with beating(context.instance, context.run.run_id) if is_anywhere else nullcontext():
        if settings.dataproc:
            shift = Shift(config.idle_seconds, config.max_seconds, config.batch_seconds)
            metadata = publish_at_dataproc(context, settings, settings.dataproc, shift)
        else:
            metadata = shift_metadata(_publish_here(context, config, settings, spark))
    for table in (table for table in PUBLISHED_TABLES if table is not catalog.DELIVERIES):
        yield dg.MaterializeResult(asset_key=[names.PREFIX, table.name], metadata=metadata)


def _publish_here(
    context: dg.AssetExecutionContext, config: ShiftConfig, settings: StackSettings, spark: Any
) -> list[BatchReport]:
    """With a session of this process's own."""
    from spark_jobs.incidents import Incident
    from spark_jobs.process_payments import drain
    from spark_jobs.turns.by_setting import turn_of

    def record(report: BatchReport) -> None:
        context.log.info(describe_batch(report))
        context.log_event(batch_materialization(report))

    try:
        return drain(
            spark.spark_session,
            settings.job,
            on_batch=record,
            idle_seconds=config.idle_seconds,
            max_seconds=config.max_seconds,
            batch_seconds=config.batch_seconds,
            turn=turn_of(settings.job, settings.home),
            on_standby=lambda: context.instance.add_run_tags(context.run.run_id, {names.WARM_TAG: _now()}),
        )
    except (Incident, SettingError) as stopped:
        raise dg.Failure(str(stopped), allow_retries=False) from stopped


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def describe_batch(report: BatchReport) -> str:
    """One line on a published batch."""
    return (
        f"batch {report.batch_id}: {report.delivered} delivered = {report.unique} unique + {report.duplicate} duplicate"
        f" + {report.late} late + {report.quarantined} quarantined + {report.ignored} ignored,"
        f"{f' {report.holes} offsets without a record,' if report.holes else ''} {report.batch_seconds:.1f} s,"
        f" {report.events_per_second:.0f} events/s"
    )


def batch_materialization(report: BatchReport) -> dg.AssetMaterialization:
    """The batch as an event of `payment_deliveries`; numbers under stable names, so that the UI plots them."""
    metadata: dict[str, dg.MetadataValue[Any]] = {
        name: dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(value)
        for name, value in report.metrics().items()
    }
    metadata["batch_id"] = dg.MetadataValue.int(report.batch_id)
    metadata["epoch"] = dg.MetadataValue.int(report.epoch)
    metadata["end_offsets"] = dg.MetadataValue.json({str(at): offset for at, offset in report.end_offsets.items()})
    metadata["published_at"] = dg.MetadataValue.timestamp(report.published_at)
    if report.next_watermark:
        metadata["watermark"] = dg.MetadataValue.timestamp(report.next_watermark)
    return dg.AssetMaterialization(names.DELIVERIES, description=describe_batch(report), metadata=metadata)


def shift_metadata(reports: Sequence[BatchReport]) -> dict[str, int]:
    """What a whole run published: for the tables that are not materialized batch by batch."""
    return {"run_batches": len(reports), "run_delivered": sum(report.delivered for report in reports)}
