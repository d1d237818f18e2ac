"""Small tables that orchestration writes itself: the broker's offsets, and the senders' control totals.

Belongs here: those two loads. Does not belong here: what Spark publishes, or reads (warehouse_reads.py).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.source.topic import TopicState
from spark_jobs.tables import catalog

if TYPE_CHECKING:
    from google.cloud import bigquery


def replace_kafka_offsets(client: "bigquery.Client", settings: JobSettings, state: TopicState) -> None:
    """Replace the whole table with what the broker said just now."""
    observed_at = datetime.now(UTC).isoformat()
    rows = [
        {
            "topic": state.topic,
            "kafka_partition": partition,
            "earliest_offset": state.earliest[partition],
            "latest_offset": state.latest[partition],
            "observed_at": observed_at,
        }
        for partition in sorted(state.latest)
    ]
    load_rows(client, settings, catalog.KAFKA_OFFSETS, rows, replace=True)


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

    from spark_jobs.warehouse.client import schema_of, table_id
    from spark_jobs.warehouse.retries import bounds

    disposition = bigquery.WriteDisposition.WRITE_TRUNCATE if replace else bigquery.WriteDisposition.WRITE_APPEND
    config = bigquery.LoadJobConfig(schema=schema_of(table), write_disposition=disposition)
    job = client.load_table_from_json([dict(row) for row in rows], table_id(settings, table), job_config=config)
    job.result(**bounds())
