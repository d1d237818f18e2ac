"""Backfill as an asset with a partition for each day: materializing one recomputes it, and swaps it where told to.

Belongs here: the asset and its partitions. Does not belong here: what a backfill is (spark_jobs.corrections).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.presentation.markdown import markdown_table
from orchestration.settings import StackSettings
from spark_jobs.warehouse.job_labels import Work

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1)
"""Days of the log (UTC), today among them."""


class BackfillConfig(dg.Config):
    """Without `swaps` the difference is only shown; with it, a reason is needed and kept on record."""

    swaps: bool = False
    reason: str = ""


@dg.asset(
    key=names.BACKFILL,
    description="A day of the log, recomputed by the contract of now and compared with what is published.",
    deps=[names.PAYMENT_EVENTS, names.DELIVERIES],
    partitions_def=DAYS,
    group_name="streaming",
    kinds={"kafka", "bigquery"},
    owners=names.OWNERS,
)
def payment_backfill(
    context: dg.AssetExecutionContext,
    config: BackfillConfig,
    settings: dg.ResourceParam[StackSettings],
    bigquery: dg.ResourceParam[Any],
) -> dg.MaterializeResult[None]:
    """Recompute beside the live data; the diff is metadata of the materialization."""
    from orchestration.presentation.backfill_cells import COLUMNS, cells
    from spark_jobs.corrections.backfill import range_of_day, recomputed

    if config.swaps and not config.reason.strip():
        raise dg.Failure("a swap needs a reason, which is kept on record", allow_retries=False)
    day = date.fromisoformat(context.partition_key)
    with bigquery.get_client(Work.DECISION) as client:
        ranges = range_of_day(client, settings.job, day)
        if not ranges:
            return dg.MaterializeResult(metadata={"records": 0, "changed": 0, "swapped": 0})
        with recomputed(client, settings.job, ranges) as beside:
            found = beside.differences()
            reason = f"backfill {day}: {config.reason.strip()}"
            swapped = _swapped(client, settings, beside.arguments(), reason) if config.swaps else 0
    changed = [difference for difference in found if difference.outcome == "CHANGED"]
    return dg.MaterializeResult(
        metadata={
            "records": sum(difference.records for difference in found),
            "changed": sum(difference.records for difference in changed),
            "swapped": swapped // 2,
            "difference": dg.MetadataValue.md(markdown_table(COLUMNS, [list(row) for row in cells(found)])),
        }
    )


def _swapped(client: Any, settings: StackSettings, arguments: Mapping[str, Any], reason: str) -> int:
    """Rows out and in, by the queue."""
    from spark_jobs.decision_queue.asking import decide_by_queue
    from spark_jobs.decision_queue.request import Kind, Request
    from spark_jobs.turns.by_setting import turn_of

    request = Request(Kind.BACKFILL, arguments, "dagster", reason)
    done = decide_by_queue(client, settings.job, request, turn_of(settings.job, settings.home))
    if done.why_not:
        raise dg.Failure(done.why_not, allow_retries=False)
    return done.decided
