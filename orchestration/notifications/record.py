"""Reads what alerts go by: the health check that Dagster has on record, and the incidents of a week.

Belongs here: the two reads. Does not belong here: judging them (firing). The first costs nothing. The second reads some
200 bytes an incident; BigQuery bills 30 MB, the least there is for three tables, and only where a channel is set.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.dashboard.model import Row, plain_rows
from orchestration.dashboard.statements import ALL, INCIDENTS
from orchestration.notifications.firing import HealthRecord
from orchestration.settings import StackSettings
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from orchestration.resources.bigquery import PaymentsBigQueryResource


def health_on_record(instance: dg.DagsterInstance) -> HealthRecord | None:
    """The newest verdict of the watch; None where it never looked."""
    records = instance.event_log_storage.get_asset_check_execution_history(names.HEALTH_CHECK, limit=5)
    for found in records:
        event = found.event
        # A run of the check that is only planned says nothing yet.
        if event is None or event.dagster_event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            continue
        metadata = event.get_dagster_event().asset_check_evaluation_data.metadata
        rows, words = metadata.get("rows"), metadata.get("not_healthy")
        if rows is None:
            continue
        recorded_at = datetime.fromtimestamp(event.timestamp, UTC)
        return HealthRecord(_texts(rows), _texts(words), recorded_at)
    return None


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in getattr(value, "value", None) or ())


def incidents_of_a_week(settings: StackSettings, bigquery: "PaymentsBigQueryResource") -> tuple[Row, ...] | None:
    """The incidents; None where the warehouse does not tell."""
    from spark_jobs.tables.names import sql_names
    from spark_jobs.warehouse.client import run
    from spark_jobs.warehouse.retries import failures

    job = settings.job
    try:
        with bigquery.get_client(Work.WATCH) as client:
            return plain_rows(
                dict(row)
                for row in run(client, ALL[INCIDENTS].sql.format(**sql_names(job)), {"pipeline": job.pipeline})
            )
    except failures():
        return None
