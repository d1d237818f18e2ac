"""Reads what alerts go by: the health check that Dagster has on record, and the incidents of a week.

Belongs here: the two reads. Does not belong here: judging them (firing). The first costs nothing. The second reads some
200 bytes an incident; BigQuery bills 30 MB, the least there is for three tables, and only where a channel is set.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import names
from orchestration.dashboard.model import Row, plain_rows
from orchestration.dashboard.statements import ALL, INCIDENTS
from orchestration.notifications.firing import HealthRecord
from orchestration.settings import StackSettings
from orchestration.watch.evaluations import evaluations
from spark_jobs.warehouse.job_labels import Work

if TYPE_CHECKING:
    from orchestration.resources.bigquery import PaymentsBigQueryResource


def health_on_record(instance: dg.DagsterInstance) -> HealthRecord | None:
    """The newest verdict of the watch; None where it never looked."""
    for evaluation, recorded_at in evaluations(instance, names.HEALTH_CHECK):
        # A run of the check judges by itself, and keeps no rows.
        if (rows := evaluation.metadata.get("rows")) is not None:
            return HealthRecord(_texts(rows), _texts(evaluation.metadata.get("not_healthy")), recorded_at)
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
