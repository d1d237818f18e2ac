"""The Delta tables: what they are made of, and how a batch comes into one exactly once.

Belongs here: opening tables of any version that this product knows, appending under an application's transaction
version. Does not belong here: which rows (rows), in which order and when (mirror, store). Imported only where
Delta is asked for.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, QueryBuilder, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from spark_jobs.file_systems import STAND_IN
from spark_jobs.incidents import LONGEST_MESSAGE, Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Table
from spark_jobs.tables.migrations import FIRST_VERSION, newest_version

SCHEMA = ":schema-version"
"""The application whose version in a table's log is that of its columns; no pipeline can be called so."""

MAX_ATTEMPTS = 4
"""How often a commit is tried where another process has committed to the same table in the meantime."""

_BRANCH = re.compile(r"\s*(\x1b\[[0-9;]*m)?↳(\x1b\[[0-9;]*m)?\s*")

_METRICS = (
    *("batch_id", "generation", "spark_batch_id", "epoch", "start_offsets", "end_offsets", "delivered"),
    *("unique_count", "duplicate_count", "late_count", "quarantined_count", "watermark", "next_watermark"),
    *("latency_p50_seconds", "latency_p95_seconds", "state_keys", "state_bytes", "process_seconds", "load_seconds"),
    *(
        "published_at",
        "digest",
        "contract_version",
        "ignored_count",
        "ignored_by_rule",
        "watermark_minutes",
        "hole_count",
    ),
)

METRICS = Table(
    "batch_metrics",
    "One row per published micro-batch: counts by disposition, offsets, durations.",
    tuple(column for column in catalog.LEDGER.columns if column.name in _METRICS),
)

BATCH_TABLES = (catalog.DELIVERIES, catalog.TRANSACTIONS, METRICS)
"""What a batch goes into, in this order: a batch that is in the last one is in all of them."""

_TYPES = {
    "STRING": pa.string(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": pa.decimal128(38, 9),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "DATE": pa.date32(),
    "BOOL": pa.bool_(),
    "BYTES": pa.binary(),
}


def schema_of(table: Table) -> pa.Schema:
    """The table's columns; all nullable, so that a column that comes later fits what is there."""
    return pa.schema(
        pa.field(c.name, pa.list_(_TYPES[c.type]) if c.mode == "REPEATED" else _TYPES[c.type]) for c in table.columns
    )


def uri_of(settings: JobSettings, table: Table) -> str:
    """Where a table is."""
    return f"{settings.delta_location}/{table.name}"


def storage_options(uri: str) -> dict[str, str] | None:
    """How Delta's library reaches a URI where a stand-in for Cloud Storage is named; else it knows by itself."""
    stand_in = os.environ.get(STAND_IN)
    if not stand_in or not uri.startswith("gs://"):
        return None
    key = {"gcs_base_url": stand_in.rstrip("/"), "disable_oauth": True}
    # Its parser wants the others as well.
    nobody = dict.fromkeys(("client_email", "private_key", "private_key_id"), "")
    return {"google_service_account_key": json.dumps(key | nobody), "allow_http": "true"}


def open_table(settings: JobSettings, table: Table) -> DeltaTable:
    """The table, made where it is missing."""
    uri = uri_of(settings, table)
    options = storage_options(uri)
    if not DeltaTable.is_deltatable(uri, options):
        DeltaTable.create(
            uri,
            schema_of(table),
            storage_options=options,
            mode="ignore",
            name=table.name,
            description=table.description,
            commit_properties=CommitProperties(app_transactions=[Transaction(SCHEMA, newest_version())]),
        )
    return DeltaTable(uri, storage_options=options)


def upgrade_table(settings: JobSettings, table: Table) -> DeltaTable:
    """Open a table at a run's start, made where it is missing; an older one gets the columns that came since.

    The columns and the version are one commit, so that whoever comes second finds both.

    Raises:
        Incident: SCHEMA_VERSION, where it is of a newer version.
    """
    opened, newest = open_table(settings, table), newest_version()
    version = version_of(opened, SCHEMA) or FIRST_VERSION
    if version > newest:
        raise Incident(
            IncidentKind.SCHEMA_VERSION,
            f"Delta's {table.name} at {settings.delta_location} is of schema version {version}, and this product knows "
            f"versions up to {newest}: use the newer product that brought it there, or another folder.",
        )
    if version < newest:
        append_once(opened, schema_of(table).empty_table(), SCHEMA, newest)
    return opened


def conform(rows: pa.Table, table: Table) -> pa.Table:
    """The table's columns in order, from rows that have most of them under the same names."""
    schema = schema_of(table)
    missing = pa.nulls(rows.num_rows)
    return pa.table([rows[f.name] if f.name in rows.column_names else missing for f in schema], schema.names).cast(
        schema
    )


def version_of(table: DeltaTable, application: str) -> int:
    """The newest number that an application has committed to the table; 0 before the first."""
    return table.transaction_version(application) or 0


def query(table: DeltaTable, sql: str) -> Iterator[pa.RecordBatch]:
    """The rows of a query of the table, which it calls `t`, part by part.

    By delta-rs itself, which skips files by their statistics and holds no more than a part in memory.
    """
    for batch in QueryBuilder().register("t", table).execute(sql):
        yield pa.record_batch(batch)


def append(table: DeltaTable, rows: pa.Table, application: str, version: int) -> None:
    """One commit, also for no rows; columns that the table lacks are added to it.

    Raises:
        CommitFailedError: another process has committed for the same application since the table was read.
    """
    properties = CommitProperties(app_transactions=[Transaction(application, version)])
    write_deltalake(table, rows, mode="append", schema_mode="merge", commit_properties=properties)


def append_once(table: DeltaTable, rows: pa.Table, application: str, version: int) -> None:
    """Append, unless the application's version says that it was done before.

    Raises:
        CommitFailedError: others kept committing.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        table.update_incremental()
        if version_of(table, application) >= version:
            return
        try:
            append(table, rows, application, version)
        except CommitFailedError:
            if attempt == MAX_ATTEMPTS:
                raise
        else:
            return


@contextmanager
def failures_as_incidents(settings: JobSettings) -> Iterator[None]:
    """Turn what Delta and its storage raise into an Incident of one line."""
    try:
        yield
    except (DeltaError, OSError) as error:
        raise Incident(
            IncidentKind.DELTA_FAILED,
            f"Delta at {settings.delta_location} refused: {_reason(error)}; the next run goes on from what is there.",
        ) from error


def _reason(error: Exception) -> str:
    """One line of it. Of an object store's refusal the library draws a tree, whose first line tells nothing."""
    text = " ".join(_BRANCH.sub(": ", str(error)).split())
    return text[:LONGEST_MESSAGE] or type(error).__name__
