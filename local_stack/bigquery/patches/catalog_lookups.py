"""Quicker answers of local-bigquery about its own catalog. Runs in the warehouse's environment, as the server does.

Belongs here: the same answers in less time, of DuckLake's own catalog, each asked for once in a statement. DuckDB lists
all tables and columns of all databases, and reads the statistics of each, to tell of one; local-bigquery asks so many
times in every query, and keeps the result of each query as a table, so that it would get slower for ever. Does not
belong here: what is answered wrongly (the server), what is kept of jobs (job_rows) and results (query_results).

Without it the server's CPU time is
+106 % for a small batch, +136 % for a large one, +575 % for a dbt build
(`make bench-patches`).
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

REPLACES = {
    "local_bigquery.catalog.datasets:exists": "c4e9c22a27bc",
    "local_bigquery.engine.database:objects": "93ffb02e2e98",
    "local_bigquery.catalog.tables:columns": "d13ca8050084",
    "local_bigquery.catalog.tabledata:columns": "d13ca8050084",
    "local_bigquery.sql.rules.partitions:_hidden": "55d4da1b1265",
    "local_bigquery.jobs.query:translate": "b6a97413e918",
}
_RESULTS_DATABASE = "emulator"
"""Where local-bigquery keeps the results of queries, in plain DuckDB."""


def install() -> None:
    """Put them in place; before the server starts."""
    _look_up_one_dataset_alone()
    _look_up_the_tables_of_one_dataset_alone()
    _look_up_the_columns_of_one_table_alone()
    _ask_once_in_a_statement()


def _look_up_one_dataset_alone() -> None:
    from local_bigquery.catalog import datasets

    search = datasets.exists

    def exists(project_id: str, dataset_id: str) -> bool:
        if project_id == _RESULTS_DATABASE or project_id not in _attached():
            return bool(search(project_id, dataset_id))
        catalog = _metadata_of(project_id)
        sql = f"select 1 from {catalog}.ducklake_schema where schema_name = $1 and end_snapshot is null"
        return bool(_fetch(sql, [dataset_id]))

    datasets.exists = exists


def _look_up_the_tables_of_one_dataset_alone() -> None:
    import duckdb
    from local_bigquery.engine import database

    list_all = database.objects

    def objects(project_id: str, dataset_id: str, table_id: str | None = None) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]]
        if project_id in _attached():
            found = _fetch(_objects_of_ducklake(project_id), [dataset_id, table_id])
            return found
        if project_id != _RESULTS_DATABASE or table_id is None:
            found = list_all(project_id, dataset_id, table_id)
            return found
        try:
            rows = _fetch(f"select count(*) from {database.quote(project_id, dataset_id, table_id)}", [])
        except duckdb.CatalogException:
            return []
        return [(table_id, "TABLE", rows[0][0])]

    database.objects = objects


def _objects_of_ducklake(project_id: str) -> str:
    """A query for tables and views of a project, in DuckLake's own catalog; parameters: dataset, name or null."""
    catalog = _metadata_of(project_id)
    return f"""
    with present as (
        select schema_id, table_name as name, 'TABLE' as type, coalesce(record_count, 0)::bigint as row_count
        from {catalog}.ducklake_table left join {catalog}.ducklake_table_stats using (table_id)
        where end_snapshot is null
        union all
        select schema_id, view_name, 'VIEW', 0 from {catalog}.ducklake_view where end_snapshot is null
    )
    select name, type, row_count
    from present join {catalog}.ducklake_schema using (schema_id)
    where schema_name = $1 and ($2 is null or name = $2) and end_snapshot is null
    order by name
    """


def _look_up_the_columns_of_one_table_alone() -> None:
    import duckdb
    from local_bigquery.catalog import names, tabledata, tables
    from local_bigquery.engine import database, types
    from local_bigquery.errors import not_found
    from local_bigquery.sql.rules import partitions
    from sqlglot import exp

    is_hidden = partitions._hidden

    def columns(project_id: str, dataset_id: str, table_id: str) -> list[Any]:
        name = tables.name(project_id, dataset_id, table_id)
        required = {column for column, is_nullable in declared(project_id, dataset_id, table_id) if not is_nullable}
        with database.cursor() as cursor:
            try:
                relation = cursor.sql(f"SELECT * FROM {name} LIMIT 0")
            except duckdb.CatalogException:
                raise not_found("Table", names.label(project_id, dataset_id, table_id)) from None
            return [
                types.field(column, type_, column in required)
                for column, type_ in zip(relation.columns, relation.types, strict=True)
                if column != tables.INGESTION_TIME or dataset_id == tables.RESULTS
            ]

    def hidden(table: Any) -> bool:
        if table.catalog not in _attached() or not table.db or not isinstance(table.this, exp.Identifier):
            return bool(is_hidden(table))
        return any(column == tables.INGESTION_TIME for column, _ in declared(table.catalog, table.db, table.name))

    def declared(project_id: str, dataset_id: str, table_id: str) -> list[tuple[str, bool]]:
        if dataset_id == tables.RESULTS or project_id not in _attached():
            # What a query resulted in has no column that is required.
            return []
        found: list[tuple[str, bool]] = _fetch(_columns_of_ducklake(project_id), [dataset_id, table_id])
        return found

    tables.columns = tabledata.columns = columns
    partitions._hidden = hidden


def _columns_of_ducklake(project_id: str) -> str:
    """A query for the columns of one table: name, whether it may be null; parameters: dataset, table."""
    catalog = _metadata_of(project_id)
    return f"""
    select column_name, nulls_allowed
    from {catalog}.ducklake_column
    where end_snapshot is null and parent_column is null and table_id = (
        select table_id from {catalog}.ducklake_table join {catalog}.ducklake_schema using (schema_id)
        where schema_name = $1 and table_name = $2
            and ducklake_table.end_snapshot is null and ducklake_schema.end_snapshot is null
    )
    """


def _metadata_of(project_id: str) -> str:
    from local_bigquery.engine.database import quote

    name: str = quote(f"__ducklake_metadata_{project_id}")
    return name


def _attached() -> set[str]:
    from local_bigquery.engine import database

    projects: set[str] = database._attached
    return projects


_ASKED: ContextVar[dict[tuple[str | None, ...], list[Any]]] = ContextVar("_ASKED")
"""What was answered while one statement is translated."""


def _fetch(sql: str, values: Sequence[str | None]) -> list[Any]:
    from local_bigquery.engine import database

    asked = _ASKED.get({})
    question = (sql, *values)
    if question not in asked:
        asked[question] = database.fetch(sql, list(values))
    return asked[question].copy()


def _ask_once_in_a_statement() -> None:
    """Each of a dozen rules asks for the tables of a statement and for their columns."""
    from local_bigquery.jobs import query

    translate = query.translate

    def translate_asking_once(*args: Any, **options: Any) -> Any:
        token = _ASKED.set({})
        try:
            return translate(*args, **options)
        finally:
            _ASKED.reset(token)

    query.translate = translate_asking_once
