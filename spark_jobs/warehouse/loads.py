"""Small tables by load jobs, which cost nothing.

Belongs here: a load job from rows in memory. Does not belong here: loads of a batch's files (sinks).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog

if TYPE_CHECKING:
    from google.cloud import bigquery


def load_rows(
    client: "bigquery.Client",
    settings: JobSettings,
    table: catalog.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    replace: bool,
) -> None:
    """One load job: all rows or none."""
    from google.cloud import bigquery

    from spark_jobs.tables.names import table_id
    from spark_jobs.warehouse.retries import wait_for
    from spark_jobs.warehouse.table_setup import schema_of

    disposition = bigquery.WriteDisposition.WRITE_TRUNCATE if replace else bigquery.WriteDisposition.WRITE_APPEND
    config = bigquery.LoadJobConfig(schema=schema_of(table), write_disposition=disposition)
    job = client.load_table_from_json([dict(row) for row in rows], table_id(settings, table), job_config=config)
    wait_for(job)
