"""A recording: statements by the work that sent them, and the tables and views that they were sent to.

Belongs here: what is kept of a run, of a job and of a table, and its file. Does not belong here: doing the work that is
recorded (recording), what its statements read (meter).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from google.cloud import bigquery

from spark_jobs.warehouse.client import run

WORKS = (
    "batch", "renewal", "turn", "build", "check", "night", "watch", "verify", "seal", "audit", "decision", "fraud",
    "backup", "erasure", "rebuild", "hour", "look", "full", "week",
)  # fmt: skip
"""Who sends statements. A renewal is the first batch of a checkpoint that was made anew, of which all that outlives one
was lost, too; a turn is what the lease sends; a check is a dbt test of a build; a night is the build that checks all
days that are not sealed; a seal is a sealed day held against its seal, which is as much as sealing it; fraud is a look
at the alert queue, a label and an entry of a list; an erasure is one with the build that follows it; a rebuild is the
first build, of everything; an hour is what a build does once an hour alone; a look is what its checks of rows do then;
full is `payments verify --full`; a week is what the night does once a week."""
WEEKLY = "model payment_returns"
"""What the night makes once a week."""

_DBT_NODE = re.compile(r'"node_id": "(model|test|seed|operation|unit_test)\.[^."]+\.([^"]+)"')
_DATASET = re.compile(r"`?[\w-]+`?\.`?payment_data(?:_\d+)?`?\.`?(\w+)`?")
_STAGING = re.compile(r"\b(staging_(?:corrections_|backfill_|erasure_)?)\w*")
_DBT_TMP = re.compile(r"(__dbt_tmp)\d+")
_TABLE_OPTIONS = re.compile(r"`?INFORMATION_SCHEMA`?\.`?TABLE_OPTIONS`?", re.IGNORECASE)
_BUILT_IN = re.compile(r"\bbq\.main\.")
"""How the local warehouse gives back a function of BigQuery's own in the text of a view."""
TABLE_OPTIONS = "table_options"
STAGED = "rows"
"""What every staging table's name ends with in a recording."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One job as it was sent. `parameters` are as the API has them; `node` is dbt's kind and name of what sent it."""

    work: str
    sql: str
    at: datetime
    parameters: tuple[Mapping[str, Any], ...] = ()
    node: str | None = None


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table as it was found: types by column, rows, and the average bytes of each column by BigQuery's sizes."""

    columns: Mapping[str, str]
    partition_by: str | None = None
    rows: int = 0
    column_bytes: Mapping[str, float] = field(default_factory=dict)
    cluster_by: tuple[str, ...] = ()

    @property
    def is_hourly(self) -> bool:
        """Whether its rows lie in the order of its partition column: it is clustered by that first."""
        return bool(self.cluster_by) and self.cluster_by[0] == self.partition_by


@dataclass(frozen=True, slots=True)
class Recording:
    """All of one run. `units` says how much was done: payments, batches, partitions and so on."""

    recorded_at: datetime
    units: Mapping[str, float]
    tables: Mapping[str, StoredTable]
    views: Mapping[str, str]
    statements: tuple[Statement, ...]


def plain(sql: str) -> str:
    """A statement with bare names for our tables, and one name for all staging or temporary tables of a kind."""
    sql = _TABLE_OPTIONS.sub(f"`{TABLE_OPTIONS}`", _BUILT_IN.sub("", sql))
    return _DBT_TMP.sub(r"\1", _STAGING.sub(rf"\1{STAGED}", _DATASET.sub(r"`\1`", sql)))


def node_of(sql: str) -> str | None:
    """dbt's kind and name of the node that sent a statement, from dbt's own comment; None where dbt did not."""
    found = _DBT_NODE.search(sql)
    return f"{found[1]} {found[2].split('.')[0]}" if found else None


def write(recording: Recording, path: Path) -> None:
    """As JSON, one line a statement, so that a change of one shows as a change of one line."""
    head = asdict(recording) | {"recorded_at": recording.recorded_at.isoformat()}
    statements = [asdict(statement) | {"at": statement.at.isoformat()} for statement in head_statements(recording)]
    del head["statements"]
    lines = [json.dumps(statement, sort_keys=True) for statement in statements]
    body = json.dumps(head, indent=1, sort_keys=True)[:-2]
    path.write_text(f'{body},\n "statements": [\n' + ",\n".join(lines) + "\n]\n}\n")


def head_statements(recording: Recording) -> tuple[Statement, ...]:
    """The statements in the order in which they were sent."""
    return tuple(sorted(recording.statements, key=lambda statement: statement.at))


def read(path: Path) -> Recording:
    """What `write` wrote."""
    kept = json.loads(path.read_text())
    return Recording(
        recorded_at=datetime.fromisoformat(kept["recorded_at"]),
        units=kept["units"],
        tables={
            name: StoredTable(**{**table, "cluster_by": tuple(table.get("cluster_by", ()))})
            for name, table in kept["tables"].items()
        },
        views=kept["views"],
        statements=tuple(
            Statement(**{**each, "at": datetime.fromisoformat(each["at"]), "parameters": tuple(each["parameters"])})
            for each in kept["statements"]
        ),
    )


def stored_table(client: bigquery.Client, dataset: str, table: bigquery.Table) -> StoredTable:
    """A table of a dataset as it is: its columns, its rows, and how many bytes they are."""
    sizes = ", ".join(f"sum({_bytes_sql(column)}) as {column.name}" for column in table.schema)
    [row] = run(client, f"select count(*) as row_count_, {sizes} from `{dataset}.{table.table_id}`", {})
    rows = int(row.pop("row_count_"))
    return StoredTable(
        columns={column.name: _type(column) for column in table.schema},
        partition_by=table.time_partitioning.field if table.time_partitioning else None,
        rows=rows,
        cluster_by=tuple(table.clustering_fields or ()),
        column_bytes={name: round(float(total or 0) / max(rows, 1), 3) for name, total in row.items()},
    )


FIXED_BYTES = {"NUMERIC": 16, "BOOL": 1, "BOOLEAN": 1}
"""BigQuery's logical bytes of a value, where they are not 8; of a text or bytes they are 2 and its length."""


def _bytes_sql(column: bigquery.SchemaField) -> str:
    """A row's logical bytes of one column: nothing for NULL."""
    one = "2 + byte_length({})" if column.field_type in ("STRING", "BYTES") else str(_fixed(column.field_type))
    if column.mode == "REPEATED":
        return f"(select coalesce(sum({one.format('item')}), 0) from unnest({column.name}) as item)"
    return f"if({column.name} is null, 0, {one.format(column.name)})"


def _fixed(kind: str) -> int:
    return FIXED_BYTES.get(kind, 8)


def _type(column: bigquery.SchemaField) -> str:
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(column.field_type, column.field_type)
    return f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind


def statement_of(work: str, job: bigquery.QueryJob) -> Statement:
    """A job as it was sent; a test of a build is a check, and what the night makes once a week a week's."""
    node = node_of(job.query)
    if work == "build" and node and node.startswith("test"):
        work = "check"
    if work == "night" and node == WEEKLY:
        work = "week"
    # As they were sent: the client cannot read a NULL within a struct back.
    sent = job.to_api_repr()["configuration"]["query"].get("queryParameters", ())
    return Statement(work, plain(job.query), job.created or datetime.now(UTC), tuple(sent), node)
