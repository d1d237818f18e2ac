"""The local warehouse's own shortcuts answer as BigQuery would."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound

from local_stack.bigquery.emulator import Warehouse
from local_stack.bigquery.patches import staging_files
from local_stack.processes import free_port
from spark_jobs.settings import read_job_settings
from spark_jobs.tables.names import STAGING_PREFIX
from spark_jobs.warehouse.client import connect
from tests.faults.victims import kill
from tests.integration.tables import Tables

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


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
    pq.write_table(pa.Table.from_pylist(rows, schema), path, write_statistics=False)
    return path


def kept(home: Path) -> set[int]:
    return {file.stat().st_ino for file in (home / "bigquery").rglob("*.parquet")}


def test_staged_files_are_the_table_until_it_is_deleted(tables: Tables, home: Path, tmp_path: Path) -> None:
    files = [write(tmp_path / "a.parquet", ROWS[:3]), write(tmp_path / "b.parquet", ROWS[3:])]
    loaded = tables.load("staging_loaded", *files)
    inodes = {file.stat().st_ino for file in files}
    assert inodes <= kept(home)
    for file in files:
        file.unlink()
    assert tables.rows("staging_loaded") == ROWS
    tables.client.delete_table(loaded)
    assert not inodes & kept(home)
    with pytest.raises(NotFound):
        tables.rows("staging_loaded")
    assert loaded.num_rows == len(ROWS)
    assert [(f.name, f.field_type, f.mode) for f in loaded.schema] == [
        *(("small", "INTEGER", "NULLABLE"), ("whole", "INTEGER", "NULLABLE"), ("money", "NUMERIC", "NULLABLE")),
        *(("at", "TIMESTAMP", "NULLABLE"), ("name", "STRING", "NULLABLE"), ("raw", "BYTES", "NULLABLE")),
        ("names", "STRING", "REPEATED"),
    ]


def test_a_staged_table_outlives_the_server_and_one_whose_file_is_gone_is_none_afterwards(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "warehouse-env").symlink_to(home / "warehouse-env")
    endpoint = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    settings = read_job_settings({"PAYMENTS_HOME": str(tmp_path), "BIGQUERY_EMULATOR_HOST": endpoint})
    warehouse = Warehouse(tmp_path, endpoint, settings.project)
    try:
        warehouse.start()
        with connect(settings) as client:
            client.create_dataset("loads")
            before = Tables(client, f"{settings.project}.loads")
            for name in ("staging_kept", "staging_lost"):
                before.load(name, write(tmp_path / f"{name}.parquet", ROWS))
            kill(warehouse)
            (lost,) = (tmp_path / "bigquery").rglob("staging_lost/*.parquet")
            lost.unlink()
            warehouse.start()
            assert before.rows("staging_kept") == ROWS
            assert [item.table_id for item in client.list_tables("loads")] == ["staging_kept"]
    finally:
        warehouse.stop()


def test_what_is_staged_here_is_what_the_streaming_job_stages() -> None:
    assert staging_files.STAGED == STAGING_PREFIX


@pytest.mark.parametrize("name", ["loaded", "staging_loaded"])
def test_a_second_load_replaces_the_first(tables: Tables, tmp_path: Path, name: str) -> None:
    tables.load(name, write(tmp_path / "a.parquet", ROWS))
    tables.load(name, write(tmp_path / "b.parquet", ROWS[1:2]))
    assert tables.rows(name) == ROWS[1:2]
    assert tables.client.get_table(f"{tables.dataset}.{name}").num_rows == 1


def test_a_staged_file_may_be_replaced_by_one_that_has_to_be_written_anew(tables: Tables, tmp_path: Path) -> None:
    tables.load("staging_loaded", write(tmp_path / "a.parquet", ROWS))
    other = [{"short": Decimal("1.25")}]
    tables.load("staging_loaded", write(tmp_path / "b.parquet", other, pa.schema([("short", pa.decimal128(9, 2))])))
    assert tables.rows("staging_loaded") == other


def test_a_loaded_table_that_is_not_staging_is_written_to_as_any_other(tables: Tables, tmp_path: Path) -> None:
    tables.load("loaded", write(tmp_path / "a.parquet", ROWS))
    tables.client.query_and_wait(f"delete from `{tables.dataset}.loaded` where small > 0")
    assert tables.rows("loaded") == ROWS[:1]


@pytest.mark.parametrize("name", ["loaded", "staging_loaded"])
def test_a_list_with_a_null_in_it_is_refused(tables: Tables, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "a.parquet", [ROWS[0] | {"names": ["a", None]}])
    with pytest.raises(BadRequest, match="null element"):
        tables.load(name, file)


@pytest.mark.parametrize("name", ["loaded", "staging_loaded"])
def test_a_type_that_bigquery_has_not_is_written_as_one_that_it_has(tables: Tables, tmp_path: Path, name: str) -> None:
    schema = pa.schema([("naive", pa.timestamp("ns")), ("short", pa.decimal128(9, 2))])
    file = write(tmp_path / "a.parquet", [{"naive": datetime(2026, 1, 2), "short": Decimal("1.25")}], schema)  # noqa: DTZ001
    loaded = tables.load(name, file)
    assert [f.field_type for f in loaded.schema] == ["DATETIME", "NUMERIC"]
    assert tables.rows(name) == [{"naive": datetime(2026, 1, 2), "short": Decimal("1.25")}]  # noqa: DTZ001


def test_a_dataset_lists_its_own_tables_and_views_and_what_a_query_left_is_none_of_them(
    tables: Tables, tmp_path: Path
) -> None:
    file = write(tmp_path / "a.parquet", ROWS)
    for name in ("second", "first", "dropped", "staging_here", "staging_dropped"):
        tables.load(name, file)
    tables.client.query_and_wait(f"create view `{tables.dataset}.view` as select * from `{tables.dataset}.first`")
    for name in ("dropped", "staging_dropped"):
        tables.client.delete_table(f"{tables.dataset}.{name}")
    listed = [(item.table_id, item.table_type) for item in tables.client.list_tables(tables.dataset)]
    assert listed == [("first", "TABLE"), ("second", "TABLE"), ("staging_here", "TABLE"), ("view", "VIEW")]
    assert tables.rows("view") == ROWS


RESULTS: dict[str, tuple[str, str, Any]] = {
    "1": ("INTEGER", "NULLABLE", 1),
    "(select sum(x) from unnest([1, 2]) as x)": ("INTEGER", "NULLABLE", 3),
    "(select count(*) from unnest([1, 2]))": ("INTEGER", "NULLABLE", 2),
    "cast(null as int64)": ("INTEGER", "NULLABLE", None),
    "numeric '1.5'": ("NUMERIC", "NULLABLE", Decimal("1.5")),
    "1.5": ("FLOAT", "NULLABLE", 1.5),
    "true": ("BOOLEAN", "NULLABLE", True),
    "'a'": ("STRING", "NULLABLE", "a"),
    "b'a'": ("BYTES", "NULLABLE", b"a"),
    "date '2026-01-02'": ("DATE", "NULLABLE", date(2026, 1, 2)),
    "timestamp '2026-01-02 03:04:05.000006'": ("TIMESTAMP", "NULLABLE", datetime(2026, 1, 2, 3, 4, 5, 6, UTC)),
    "parse_json('[1]')": ("JSON", "NULLABLE", [1]),
    "['a']": ("STRING", "REPEATED", ["a"]),
    "struct(1 as x)": ("RECORD", "NULLABLE", {"x": 1}),
}


@pytest.mark.parametrize("expression", RESULTS)
def test_a_result_has_the_type_and_the_value_that_bigquery_gives_it(tables: Tables, expression: str) -> None:
    kind, mode, value = RESULTS[expression]
    result = tables.client.query_and_wait(f"select {expression} as n")
    assert [(field.name, field.field_type, field.mode) for field in result.schema] == [("n", kind, mode)]
    assert [row["n"] for row in result] == [value]


def test_a_result_may_be_empty_or_the_last_of_a_script_or_fail(tables: Tables) -> None:
    ask = tables.client.query_and_wait
    assert [dict(row) for row in ask("select 1 as n from unnest([1]) as x where x = 2")] == []
    assert [row["n"] for row in ask("declare x int64 default 7; select 1 as m; select x as n;")] == [7]
    with pytest.raises(BadRequest, match="division by zero"):
        ask("select 1 / x as n from unnest([0]) as x")


def test_an_id_is_that_of_one_job_however_many_ask_for_it_at_once(tables: Tables) -> None:
    table = f"{tables.dataset}.once"
    tables.client.query_and_wait(f"create table `{table}` (n int64)")
    job_ids, attempts = [f"once_{uuid.uuid4().hex}" for _ in range(5)], 4

    def ask(job_id: str) -> bool:
        try:
            tables.client.query(f"insert into `{table}` (n) values (1)", job_id=job_id, job_retry=None).result()
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(attempts) as pool:
        went_on = list(pool.map(ask, sorted(job_ids * attempts)))
    assert went_on.count(True) == len(job_ids)
    assert len(tables.rows("once")) == len(job_ids)
    assert {tables.client.get_job(job_id).state for job_id in job_ids} == {"DONE"}


DECLARED = "(at timestamp, money numeric(38, 9), name string, n int64 options (description = 'counted'))"
COUNTED = "select timestamp '2026-01-02 03:04:05+00' as at, numeric '1.5' as money, 'a' as name, 1 as n"


def test_a_table_of_declared_columns_may_be_made_of_what_it_holds(tables: Tables) -> None:
    ask, table = tables.client.query_and_wait, f"{tables.dataset}.counted"
    ask(f"create or replace table `{table}` {DECLARED} partition by date(at) as ({COUNTED})")
    ask(
        f"create or replace table `{table}` {DECLARED} partition by date(at) as (with more as ("
        f"select at, money * 2 as money, name, n + 1 as n from `{table}` union all {COUNTED}) "
        "select at, money, name, n from more)"
    )
    rows = [dict(row) for row in ask(f"select money, name, n from `{table}` order by n")]
    assert rows == [
        {"money": Decimal("1.5"), "name": "a", "n": 1},
        {"money": Decimal(3), "name": "a", "n": 2},
    ]
    made = tables.client.get_table(table)
    assert [(field.name, field.field_type, field.mode, field.description) for field in made.schema] == [
        *(("at", "TIMESTAMP", "NULLABLE", None), ("money", "NUMERIC", "NULLABLE", None)),
        *(("name", "STRING", "NULLABLE", None), ("n", "INTEGER", "NULLABLE", "counted")),
    ]


def test_a_column_that_must_not_be_null_is_declared_so_and_held_to_it(tables: Tables) -> None:
    ask, table = tables.client.query_and_wait, f"{tables.dataset}.strict"
    make = "create or replace table `{}` (n int64 not null) as (select {} as n from unnest([1, 2]) as x)"
    for _ in range(2):
        ask(make.format(table, "x"))
    assert [field.mode for field in tables.client.get_table(table).schema] == ["REQUIRED"]
    with pytest.raises(BadRequest, match=r"(?i)null"):
        ask(make.format(table, "nullif(x, 1)"))


def test_nobody_finds_a_table_of_declared_columns_empty_while_it_is_made_anew(tables: Tables) -> None:
    ask, table = tables.client.query_and_wait, f"{tables.dataset}.anew"
    make = f"create or replace table `{table}` (n int64) as (select n from unnest(generate_array(1, 200000)) as n)"
    ask(make)
    is_made = threading.Event()

    def make_often() -> None:
        try:
            for _ in range(10):
                ask(make)
        finally:
            is_made.set()

    counts: set[int] = set()
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(make_often)
        while not is_made.is_set():
            counts.update(row[0] for row in ask(f"select count(*) from `{table}`"))
        making.result()
    assert counts == {200000}
