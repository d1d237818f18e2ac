"""A batch's rows for Delta: from its staged files, or from what the warehouse says of it.

Belongs here: reading and shaping rows, as Arrow tables. Does not belong here: writing them (tables).
"""

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.file_systems import place
from spark_jobs.publishing.batch import Batch
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta.tables import METRICS, conform, schema_of
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.streaming.staged_files import STAGED_SCHEMA
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Table
from spark_jobs.tables.ledger_digest import content_hash
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.retries import bounds, rows_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

SOURCES = {METRICS.name: catalog.LEDGER}
"""What the warehouse calls a Delta table, where it has another name for it."""


def staged(batch: Batch, topic: str, batch_id: int) -> pa.Table:
    """The batch's staged records, with the two columns that staging leaves to the transaction."""
    parts = []
    for uri in batch.tally.uris:
        filesystem, path = place(uri)
        parts.append(pq.read_table(path, filesystem=filesystem, schema=STAGED_SCHEMA))
    records = pa.concat_tables(parts) if parts else STAGED_SCHEMA.empty_table()
    count = records.num_rows
    return records.append_column("topic", pa.repeat(topic, count)).append_column(
        "batch_id", pa.repeat(pa.scalar(batch_id, pa.int64()), count)
    )


def content_hash_of(records: pa.Table) -> str:
    """The content_hash of staged records (tables)."""
    places = records.select(["kafka_partition", "kafka_offset", "value_sha256"])
    ordered = places.sort_by([("kafka_partition", "ascending"), ("kafka_offset", "ascending")])
    return content_hash(zip(*(column.to_pylist() for column in ordered.columns), strict=True))


def of_batch(records: pa.Table, report: BatchReport, digest: str) -> dict[Table, pa.Table]:
    """The rows of BATCH_TABLES."""
    is_new = pc.equal(records["disposition"], Disposition.UNIQUE.value)
    return {
        catalog.DELIVERIES: conform(records, catalog.DELIVERIES),
        catalog.TRANSACTIONS: conform(records.filter(is_new), catalog.TRANSACTIONS),
        METRICS: pa.Table.from_pylist([metrics_of(report, digest)], schema=schema_of(METRICS)),
    }


def metrics_of(report: BatchReport, digest: str) -> dict[str, Any]:
    """The report as a row of batch_metrics."""
    named = {
        "digest": digest,
        "hole_count": report.holes,
        **{f"{d.lower()}_count": getattr(report, d.lower(), 0) for d in Disposition},
        "ignored_by_rule": json.dumps(report.ignored_by_rule, sort_keys=True),
        "start_offsets": offsets_to_json(report.start_offsets),
        "end_offsets": offsets_to_json(report.end_offsets),
    }
    return {c.name: named[c.name] if c.name in named else getattr(report, c.name) for c in METRICS.columns}


def published(client: "Client", settings: JobSettings, table: Table, after: int, through: int) -> pa.Table:
    """What the warehouse holds of the batches after one and through another."""
    source = SOURCES.get(table.name, table)
    columns = ", ".join(column.name for column in table.columns)
    sql = f"""
        select {columns} from `{table_id(settings, source)}`
        where batch_id > @after and batch_id <= @through order by batch_id
        """
    return conform(read(client, sql, after=after, through=through), table)


def read(client: "Client", sql: str, **values: int) -> pa.Table:
    """The rows of a query as Arrow."""
    from google.cloud import bigquery

    parameters = [bigquery.ScalarQueryParameter(name, "INT64", value) for name, value in values.items()]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    job = client.query(sql, job_config=config, job_retry=None, **bounds())
    arrow: pa.Table = rows_of(job).to_arrow(create_bqstorage_client=False)
    return arrow
