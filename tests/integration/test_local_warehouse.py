"""The local warehouse's own shortcuts answer as BigQuery would."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest
from google.cloud import bigquery

from spark_jobs.publishing import _load_config
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse import connect

pytestmark = pytest.mark.integration

ROWS: list[dict[str, Any]] = [
    {
        "small": n,
        "whole": 2**40 + n,
        "money": Decimal("12.340000001") * n,
        "at": datetime(2026, 11, 21, 12, n, tzinfo=UTC),
        "name": None if n == 2 else f"n{n}",
        "raw": None if n == 1 else b"\x00\xff",
        "names": ["a", "b"][:n],
    }
    for n in range(4)
]
SCHEMA = pa.schema(
    [
        *(("small", pa.int32()), ("whole", pa.int64()), ("money", pa.decimal128(38, 9))),
        *(("at", pa.timestamp("us", "UTC")), ("name", pa.string()), ("raw", pa.binary())),
        ("names", pa.list_(pa.string())),
    ]
)


class Tables:
    """A dataset of the test's own."""

    def __init__(self, client: bigquery.Client, dataset: str) -> None:
        self.client, self.dataset = client, dataset

    def load(self, name: str, *files: Path) -> bigquery.Table:
        uris, table = [f"file://{file}" for file in files], f"{self.dataset}.{name}"
        self.client.load_table_from_uri(uris, table, job_config=_load_config()).result()
        return self.client.get_table(table)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.client.query_and_wait(f"select * from `{self.dataset}.{name}` order by 1")]


@pytest.fixture
def tables(stack: JobSettings) -> Iterator[Tables]:
    client = connect(stack)
    dataset = f"{stack.project}.loads_{uuid.uuid4().hex[:8]}"
    client.create_dataset(dataset)
    yield Tables(client, dataset)
    client.delete_dataset(dataset, delete_contents=True)
    client.close()


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema), path, write_statistics=False)
    return path


def test_loaded_files_are_the_table_whatever_becomes_of_them(tables: Tables, home: Path, tmp_path: Path) -> None:
    files = [write(tmp_path / "a.parquet", ROWS[:3]), write(tmp_path / "b.parquet", ROWS[3:])]
    loaded = tables.load("loaded", *files)
    kept = {file.stat().st_ino for file in (home / "bigquery").rglob("*.parquet")}
    assert {file.stat().st_ino for file in files} <= kept
    for file in files:
        file.unlink()
    assert tables.rows("loaded") == ROWS
    assert loaded.num_rows == len(ROWS)
    assert [(f.name, f.field_type, f.mode) for f in loaded.schema] == [
        *(("small", "INTEGER", "NULLABLE"), ("whole", "INTEGER", "NULLABLE"), ("money", "NUMERIC", "NULLABLE")),
        *(("at", "TIMESTAMP", "NULLABLE"), ("name", "STRING", "NULLABLE"), ("raw", "BYTES", "NULLABLE")),
        ("names", "STRING", "REPEATED"),
    ]


def test_a_second_load_replaces_the_first(tables: Tables, tmp_path: Path) -> None:
    tables.load("loaded", write(tmp_path / "a.parquet", ROWS))
    tables.load("loaded", write(tmp_path / "b.parquet", ROWS[1:2]))
    assert tables.rows("loaded") == ROWS[1:2]


def test_a_list_with_a_null_in_it_is_refused(tables: Tables, tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [ROWS[0] | {"names": ["a", None]}])
    with pytest.raises(BadRequest, match="null element"):
        tables.load("loaded", file)


def test_a_type_that_bigquery_has_not_is_written_as_one_that_it_has(tables: Tables, tmp_path: Path) -> None:
    schema = pa.schema([("naive", pa.timestamp("ns")), ("short", pa.decimal128(9, 2))])
    file = write(tmp_path / "a.parquet", [{"naive": datetime(2026, 1, 2), "short": Decimal("1.25")}], schema)  # noqa: DTZ001
    loaded = tables.load("loaded", file)
    assert [f.field_type for f in loaded.schema] == ["DATETIME", "NUMERIC"]
    assert tables.rows("loaded") == [{"naive": datetime(2026, 1, 2), "short": Decimal("1.25")}]  # noqa: DTZ001


def test_a_dataset_lists_its_own_tables_and_views_and_what_a_query_left_is_none_of_them(
    tables: Tables, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.parquet", ROWS)
    for name in ("second", "first", "dropped"):
        tables.load(name, file)
    tables.client.query_and_wait(f"create view `{tables.dataset}.view` as select * from `{tables.dataset}.first`")
    tables.client.delete_table(f"{tables.dataset}.dropped")
    listed = [(item.table_id, item.table_type) for item in tables.client.list_tables(tables.dataset)]
    assert listed == [("first", "TABLE"), ("second", "TABLE"), ("view", "VIEW")]
    assert tables.rows("view") == ROWS


def test_a_result_says_what_type_each_column_has(tables: Tables) -> None:
    result = tables.client.query_and_wait("select 1 as n, numeric '1.5' as m, ['a'] as l, timestamp '2026-01-02' as t")
    kinds = [(field.name, field.field_type, field.mode) for field in result.schema]
    assert kinds == [
        *(("n", "INTEGER", "NULLABLE"), ("m", "NUMERIC", "NULLABLE")),
        *(("l", "STRING", "REPEATED"), ("t", "TIMESTAMP", "NULLABLE")),
    ]
