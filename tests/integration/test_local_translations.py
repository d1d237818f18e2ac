"""A statement that the local warehouse has translated before means what it would mean the first time."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from tests.integration.tables import Tables

pytestmark = pytest.mark.integration

HALF = "select v * 0.5 as half from `{table}`"
"""Of a NUMERIC a NUMERIC, of a FLOAT64 a FLOAT64: it depends on the column what the literal is."""


def test_a_statement_that_comes_again_is_translated_by_the_columns_of_its_own_staging_table(
    tables: Tables, tmp_path: Path
) -> None:
    def compare(name: str) -> list[bool]:
        sql = f"select v = 'x' as is_x from `{tables.dataset}.{name}`"
        return [row["is_x"] for row in tables.client.query_and_wait(sql)]

    for name, column in [("staging_a", ["x", "y"]), ("staging_b", ["y", "x"]), ("staging_c", [1, 2])]:
        pq.write_table(pa.table({"v": column}), tmp_path / name)
        tables.load(name, tmp_path / name)
    # No file that could be kept: this one is written into the warehouse.
    config = bigquery.LoadJobConfig(schema=[bigquery.SchemaField("v", "STRING")])
    tables.client.load_table_from_json([{"v": "x"}], f"{tables.dataset}.staging_d", job_config=config).result()
    found = [compare(name) for name in ("staging_a", "staging_b", "staging_d", "staging_a")]
    assert found == [[True, False], [False, True], [True], [True, False]]
    with pytest.raises(BadRequest, match="No matching signature"):
        compare("staging_c")


@pytest.mark.parametrize(
    ("change", "half"),
    [
        ("create or replace table `{table}` as select cast(5 as float64) as v", [2.5]),
        ("create or replace view `{table}_view` as select 7 as v", [Decimal("1.5")]),
        ("create row access policy p on `{table}` grant to ('allUsers') filter using (v > 3)", []),
        ("drop table `{table}`", None),
        ("update `{table}` set v = 4 where true", [Decimal(2)]),
    ],
)
def test_a_statement_that_comes_again_is_translated_by_the_catalog_as_it_is(
    tables: Tables, change: str, half: list[Any] | None
) -> None:
    def ask() -> list[Any]:
        return [row["half"] for row in tables.client.query_and_wait(HALF.format(table=table))]

    table = f"{tables.dataset}.t"
    tables.client.query_and_wait(f"create table `{table}` as select cast(3 as numeric) as v")
    assert ask() == ask() == [Decimal("1.5")]
    tables.client.query_and_wait(change.format(table=table))
    if half is None:
        with pytest.raises(NotFound):
            ask()
    else:
        assert [(type(h), h) for h in ask()] == [(type(h), h) for h in half]


def test_a_statement_that_comes_again_has_the_values_and_types_of_its_own_parameters(tables: Tables) -> None:
    values: list[tuple[str, Any]] = [
        ("NUMERIC", Decimal(3)),
        ("NUMERIC", Decimal(5)),
        ("FLOAT64", 3.0),
        ("STRING", "x"),
    ]
    for type_, value in values * 2:
        config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("v", type_, value)])
        [row] = tables.client.query_and_wait("select @v as v", job_config=config)
        assert (type(row["v"]), row["v"]) == (type(value), value)


def test_a_statement_that_is_put_together_is_translated_by_its_own_text(tables: Tables) -> None:
    for message in ("select 1 as v", "select 'x' as v") * 2:
        config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter("q", "STRING", message)])
        [row] = tables.client.query_and_wait("execute immediate @q", job_config=config)
        assert row["v"] == (1 if "1" in message else "x")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("@@row_count = 3", True),
        ("@@row_count = 2", False),
        ("@@row_count = @three", True),
        ("@@row_count = @two", False),
        ("@@row_count = @none", False),
        ("@@row_count = @decimal", True),
        ("@@row_count = @three - 1", False),
    ],
)
def test_an_assertion_of_how_many_rows_were_written_holds_where_there_were_so_many(
    tables: Tables, condition: str, holds: bool
) -> None:
    values = [("three", "INT64", 3), ("two", "INT64", 2), ("none", "INT64", None), ("decimal", "NUMERIC", Decimal(3))]
    config = bigquery.QueryJobConfig(query_parameters=[bigquery.ScalarQueryParameter(*value) for value in values])
    table = f"{tables.dataset}.counted"
    tables.client.query_and_wait(f"create table `{table}` (v int64)")
    script = f"""
        insert into `{table}` (v) select v from unnest([1, 2, 3]) as v;
        assert {condition} as 'another number';
        select count(*) as n from `{table}`;
        """
    asked = tables.client.query(script, job_config=config)
    if holds:
        assert [row["n"] for row in asked.result()] == [3]
    else:
        with pytest.raises(BadRequest, match="another number"):
            asked.result(job_retry=None)
