"""BigQuery, as the streaming job sees it: the client, the tables, the control row.

Belongs here: connecting, creating tables, reading and raising the control row. Does not belong here: publishing a batch
(publishing.py). google.cloud is imported inside functions: it is slow to import, and orchestration only asks for names.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.incidents import Incident, Kind
from spark_jobs.query_parameters import with_values
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, TABLES, Table
from spark_jobs.tables.ledger_digest import NOTHING_BEFORE
from spark_jobs.warehouse.retries import begin, bounds, failures

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, QueryJob, SchemaField

STAGING_PREFIX = "staging_"

PAGE_ROWS = 10_000

RAISE_PAUSES_SECONDS = (0.2, 1.0, 3.0)
"""How long to wait before the epoch is raised again, where the warehouse refused it."""


@dataclass(frozen=True, slots=True)
class Control:
    """The control row: what is published, and who may publish next. Offsets are by partition, past the last one."""

    pipeline: str
    topic: str
    topic_id: str
    epoch: int
    holder: str
    generation: str
    last_batch_id: int
    end_offsets: dict[int, int]
    watermark: datetime | None
    updated_at: datetime
    correction_count: int = 0
    erasure_count: int = 0
    digest: str = NOTHING_BEFORE


def connect(settings: JobSettings) -> "Client":
    """A client of the warehouse: BigQuery itself, or the emulator with no credentials at all."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    if settings.emulator_host is None:
        return bigquery.Client(project=settings.project, location=settings.location)
    return bigquery.Client(
        project=settings.project,
        location=settings.location,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": settings.emulator_host},
    )


def table_id(settings: JobSettings, table: Table) -> str:
    """`project.dataset.table`; the parts come from allow-lists."""
    return f"{settings.project}.{settings.dataset}.{table.name}"


def schema_of(table: Table) -> "list[SchemaField]":
    """The table's columns as BigQuery fields."""
    from google.cloud.bigquery import SchemaField

    return [SchemaField(c.name, c.type, mode=c.mode, description=c.description) for c in table.columns]


def ensure_tables(client: "Client", settings: JobSettings) -> None:
    """Create the dataset and every table that is missing."""
    from google.cloud import bigquery

    dataset = bigquery.Dataset(f"{settings.project}.{settings.dataset}")
    dataset.location = settings.location
    client.create_dataset(dataset, exists_ok=True, **bounds())
    existing = {item.table_id for item in client.list_tables(dataset, **bounds())}
    for table in TABLES:
        if table.name in existing:
            continue
        resource = bigquery.Table(table_id(settings, table), schema=schema_of(table))
        resource.description = table.description
        if table.partition_by:
            resource.time_partitioning = bigquery.TimePartitioning(field=table.partition_by)
        if table.cluster_by:
            resource.clustering_fields = list(table.cluster_by)
        client.create_table(resource, exists_ok=True, **bounds())


def sweep_staging(client: "Client", settings: JobSettings) -> None:
    """Drop the staging tables that dead or fenced runs have left behind: none of them is ever needed again."""
    dataset = f"{settings.project}.{settings.dataset}"
    with suppress(*failures()):
        for item in client.list_tables(dataset, **bounds()):
            if item.table_id.startswith(STAGING_PREFIX):
                client.delete_table(f"{dataset}.{item.table_id}", not_found_ok=True, **bounds())


def read_control(client: "Client", settings: JobSettings) -> Control | None:
    """The pipeline's control row; None before its first run."""
    rows = run(
        client,
        f"select * from `{table_id(settings, CONTROL)}` where pipeline = @pipeline",
        {"pipeline": settings.pipeline},
    )
    return control_of(rows[0]) if rows else None


def control_of(row: dict[str, Any]) -> Control:
    """The control row from its columns."""
    return Control(
        pipeline=row["pipeline"],
        topic=row["topic"],
        topic_id=row["topic_id"],
        epoch=row["epoch"],
        holder=row["holder"],
        generation=row["generation"],
        last_batch_id=row["last_batch_id"],
        end_offsets=offsets_from_json(row["end_offsets"]),
        watermark=row["watermark"],
        updated_at=row["updated_at"],
        correction_count=row["correction_count"],
        erasure_count=row["erasure_count"],
        digest=row["digest"],
    )


def raise_epoch(client: "Client", settings: JobSettings, *, holder: str, first: Control) -> Control:
    """Take over the pipeline: from here on every older run's publication fails.

    Args:
        client: the warehouse.
        settings: names the pipeline.
        holder: a name that no other run has.
        first: the row to start with where the pipeline has none.

    Raises:
        Incident: FENCED, where another run took over in the same moment.
    """
    from google.api_core.exceptions import GoogleAPICallError

    merge = f"""
        merge `{table_id(settings, CONTROL)}` as control
        using (select @pipeline as pipeline) as wanted on control.pipeline = wanted.pipeline
        when matched then update set epoch = control.epoch + 1, holder = @holder, updated_at = current_timestamp()
        when not matched then
            insert (pipeline, topic, topic_id, epoch, holder, generation, last_batch_id, end_offsets, watermark,
                    updated_at, correction_count, replay_count, erasure_count, digest)
            values (@pipeline, @topic, @topic_id, 1, @holder, @generation, 0, @end_offsets, null, current_timestamp(),
                    0, 0, 0, @digest)
        """
    values = {
        "pipeline": settings.pipeline,
        "holder": holder,
        "topic": first.topic,
        "topic_id": first.topic_id,
        "generation": first.generation,
        "end_offsets": offsets_to_json(first.end_offsets),
        "digest": first.digest,
    }
    for pause in (*RAISE_PAUSES_SECONDS, None):
        try:
            run(client, merge, values)
            break
        except GoogleAPICallError:
            # What another run changes in the same moment is a conflict; an epoch raised twice does no harm.
            if pause is None:
                raise
            time.sleep(pause)
    control = read_control(client, settings)
    if control is None or control.holder != holder:
        raise Incident(Kind.FENCED, "another run took over the pipeline; this one leaves it alone.")
    return control


def start_generation(client: "Client", settings: JobSettings, control: Control, generation: str) -> None:
    """Note that the pipeline goes on with a new checkpoint.

    Raises:
        Incident: FENCED, where the epoch is no longer ours.
    """
    run(
        client,
        f"""
        update `{table_id(settings, CONTROL)}` set generation = @generation, updated_at = current_timestamp()
        where pipeline = @pipeline and epoch = @epoch and generation = @old
        """,
        {
            "pipeline": settings.pipeline,
            "epoch": control.epoch,
            "generation": generation,
            "old": control.generation,
        },
    )
    now = read_control(client, settings)
    if now is None or now.generation != generation or now.epoch != control.epoch:
        raise Incident(Kind.FENCED, "another run took over the pipeline; this one leaves it alone.")


def run(client: "Client", sql: str, parameters: dict[str, Any], job_id: str | None = None) -> list[dict[str, Any]]:
    """Run a statement or script and return its rows as dicts. Values travel as parameters, never as text."""
    query = _query(client, sql, parameters)
    # Where it is left to the client to name the job, it finds its own again by itself.
    job = begin(client, job_id, partial(query, job_id=job_id)) if job_id else query()
    if job_id:
        crash_point(Point.COMMIT_SENT)
    # With a page's size the client asks for the end of the job and for its rows at once.
    return [dict(row.items()) for row in job.result(page_size=PAGE_ROWS, job_retry=None, **bounds())]


def stream(client: "Client", sql: str, parameters: dict[str, Any], page_rows: int) -> Iterator[Any]:
    """The rows of a query, read by pages of so many."""
    return iter(_query(client, sql, parameters)().result(page_size=page_rows, job_retry=None, **bounds()))


def _query(client: "Client", sql: str, parameters: dict[str, Any]) -> partial["QueryJob"]:
    return partial(client.query, sql, job_config=with_values(parameters), job_retry=None, **bounds())


def offsets_to_json(offsets: dict[int, int]) -> str:
    """Canonical JSON: partitions in order, no spaces, so that equal offsets are equal text."""
    return json.dumps({str(partition): offsets[partition] for partition in sorted(offsets)}, separators=(",", ":"))


def offsets_from_json(text: str) -> dict[int, int]:
    """Offsets by partition from the JSON that `offsets_to_json` wrote."""
    return {int(partition): offset for partition, offset in json.loads(text).items()}
