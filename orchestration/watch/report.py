"""Puts the verdict on record as the check's evaluation, which needs no run.

Belongs here: when an evaluation is recorded. Does not belong here: how it comes about (verdict).
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from orchestration import names
from orchestration.alerts.catalog import alert_for_metric
from orchestration.links.ways_out import rows_of, way_out
from orchestration.watch.verdict import WAREHOUSE, Verdict
from spark_jobs.settings import JobSettings

AGAIN_AFTER = timedelta(minutes=15)
"""How long the record stands while nothing changes: an event a minute would fill Dagster's log."""

_EVALUATED = dg.DagsterEventType.ASSET_CHECK_EVALUATION


def way_out_of(verdict: Verdict, job: JobSettings) -> dict[str, Any]:
    """Where the check leads that says so: the runbook of the worst row, and the statement of all that is not well."""
    if verdict.passed:
        return {}
    worst = next(iter(verdict.unwell))[1]
    alert = alert_for_metric(worst)
    # Of a warehouse that is away there is no row.
    otherwise = "PaymentsWarehouseDown" if worst == WAREHOUSE else None
    statement = rows_of(job, "pipeline_health", "status in ('FAILING', 'DEGRADED')")
    return way_out("health", statement, alert=alert.name if alert else otherwise)


def report(instance: dg.DagsterInstance, verdict: Verdict, job: JobSettings, now: datetime) -> bool:
    """Record the verdict, unless the same rows are on record as not well already; whether it was recorded."""
    rows = [f"{status}: {metric}" for status, metric in verdict.unwell]
    if _on_record(instance, now) == rows:
        return False
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=names.HEALTH_CHECK.asset_key,
            check_name=names.HEALTH_CHECK.name,
            passed=verdict.passed,
            severity=verdict.severity,
            metadata=verdict.metadata | {"rows": rows} | way_out_of(verdict, job),
        )
    )
    return True


def _on_record(instance: dg.DagsterInstance, now: datetime) -> list[str] | None:
    """The rows that were last recorded as not well; None where the next look has to record anew."""
    key = names.HEALTH_CHECK
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
    event = found.event if found else None
    # Nothing yet, or a run that has only planned its own.
    if event is None or event.dagster_event is None or event.dagster_event_type is not _EVALUATED:
        return None
    if now - datetime.fromtimestamp(event.timestamp, UTC) >= AGAIN_AFTER:
        return None
    rows = event.dagster_event.asset_check_evaluation_data.metadata.get("rows")
    return [str(row) for row in rows.value or ()] if isinstance(rows, dg.JsonMetadataValue) else None
