"""What the health metrics were, kept for the page: a row per metric every five minutes.

Belongs here: which values are kept, and when; writing them. Does not belong here: reading them (dashboard), the values
themselves (dbt's marts). Only what the ledger does not tell is kept. A write reads nothing of what is stored: on
BigQuery it is billed for no byte, and a day's 288 writes add some 2,300 rows of 60 bytes.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import one_line
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

EVERY_MINUTES = 5
BY_LEDGER = (
    "state_size_mb",
    "duplicate_rate_pct",
    "event_to_warehouse_latency_p95_seconds",
    "checkpoint_lag_seconds",
)
"""Their last 24 hours stand in the ledger."""


def kept_values(rows: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """What of these health rows is kept of a look at `now`: nothing but every five minutes."""
    if now.minute % EVERY_MINUTES:
        return []
    known = (row for row in rows if row["value"] is not None and row["metric"] not in BY_LEDGER)
    return [{"metric": row["metric"], "value": float(row["value"])} for row in known]


def keep(client: "Client", settings: JobSettings, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add what is kept of this look. That it cannot be added says nothing of health, and is a line in the log."""
    from spark_jobs.warehouse.client import run
    from spark_jobs.warehouse.retries import failures

    values = kept_values(rows, now)
    if not values:
        return
    table = table_id(settings, catalog.HEALTH_HISTORY)
    sql = f"""
        insert into `{table}` (pipeline, metric, value, measured_at)
        select @pipeline, seen.metric, seen.value, @measured_at
        from unnest(@seen) as seen
        """
    try:
        run(client, sql, {"pipeline": settings.pipeline, "measured_at": now, "seen": values})
    except failures() as error:
        logging.getLogger(__name__).warning("The history of health is not kept: %s", one_line(error))
