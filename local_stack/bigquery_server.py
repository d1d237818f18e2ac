"""Runs local-bigquery. A script for the warehouse's own environment, which has none of our packages.

Belongs here: what has to be put right before local-bigquery starts. Does not belong here: anything that our own
environment imports.
"""

import argparse
from ipaddress import ip_address
from pathlib import Path
from typing import Any

_EXTENSIONS = ("ducklake", "icu", "json", "parquet", "sqlite_scanner")
_SHUTDOWN_SECONDS = 10
_RESULTS_DATABASE = "emulator"
"""Where local-bigquery keeps the results of queries, in plain DuckDB."""
_TEMPORARY_TABLES = "SELECT table_name FROM duckdb_tables() WHERE temporary"
"""What local-bigquery asks at the start of each query, word for word."""


def main() -> None:
    """Serve until SIGTERM."""
    options = _parse_options()
    from local_bigquery.settings import settings

    settings.bigquery_host = options.host
    settings.bigquery_port = options.port
    settings.data_dir = options.data_dir
    settings.default_project_id = options.project
    # DuckDB's own schema: otherwise a dataset that nobody asked for appears.
    settings.default_dataset_id = "main"
    _import_extensions()
    _leave_out_geography()
    _name_what_was_created()
    _end_what_was_running()
    _look_up_one_table_alone()
    _ask_for_no_temporary_tables()

    import uvicorn

    # No gRPC server: its Storage API is slow, and nothing of ours needs it.
    uvicorn.run(
        "local_bigquery:app",
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    options = parser.parse_args()
    if not ip_address(options.host).is_loopback:
        parser.error(f"{options.host} is not a loopback address, and this server has no authentication")
    return options


def _import_extensions() -> None:
    """Copy DuckDB's extensions out of their wheels, so that DuckDB does not look for them on the network."""
    from duckdb_extensions import import_extension

    for name in _EXTENSIONS:
        import_extension(name)


def _leave_out_geography() -> None:
    """Its functions need an extension that would be downloaded at the first connection."""
    from local_bigquery.engine import database

    database.FUNCTIONS = [path for path in database.FUNCTIONS if path.name != "geography.sql"]


def _name_what_was_created() -> None:
    """Let a CREATE TABLE AS SELECT job name its table as destination, as in BigQuery: dbt-bigquery reads it."""
    from local_bigquery.jobs import query

    execute = query.execute

    def execute_with_destination(*args: Any, **options: Any) -> tuple[Any, Any, Any]:
        statistics, children, destination = execute(*args, **options)
        if destination is None and statistics.statementType == "CREATE_TABLE_AS_SELECT":
            destination = statistics.ddlTargetTable
        return statistics, children, destination

    query.execute = execute_with_destination


def _end_what_was_running() -> None:
    """Let jobs fail that a killed server left: their rows say RUNNING for ever, and whoever asks would wait so long."""
    from local_bigquery.catalog import metadata
    from local_bigquery.errors import BigQueryError
    from local_bigquery.jobs import runner, store

    load, started_ms = store.load, int(metadata.now())

    def load_ended(project_id: str, job_id: str) -> Any:
        job = load(project_id, job_id)
        if job and job.status.state != "DONE" and int(job.statistics.creationTime) < started_ms:
            error = BigQueryError("stopped", "the server was stopped while the job ran")
            return runner._done(job, job.statistics, error)
        return job

    store.load = load_ended


def _look_up_one_table_alone() -> None:
    """Find a table by its name: to list all of them, DuckDB reads the statistics of each, many times in every query."""
    import duckdb
    from local_bigquery.engine import database

    list_all = database.objects

    def objects(project_id: str, dataset_id: str, table_id: str | None = None) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]]
        if table_id is None:
            found = list_all(project_id, dataset_id)
            return found
        if project_id != _RESULTS_DATABASE:
            found = database.fetch(_one_of_ducklake(project_id), [dataset_id, table_id])
            return found
        try:
            rows = database.fetch(f"select count(*) from {database.quote(project_id, dataset_id, table_id)}")
        except duckdb.CatalogException:
            return []
        return [(table_id, "TABLE", rows[0][0])]

    database.objects = objects


def _one_of_ducklake(project_id: str) -> str:
    """A query for one table or view of a project, in DuckLake's own catalog; parameters: dataset, name."""
    from local_bigquery.engine.database import quote

    catalog = quote(f"__ducklake_metadata_{project_id}")
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
    where schema_name = $1 and name = $2 and end_snapshot is null
    """


class _CursorWithoutTemporaryTables:
    """A cursor that nobody has made temporary tables on yet, and that need not list every table to say so."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def sql(self, query: str, **options: Any) -> Any:
        if query == _TEMPORARY_TABLES:
            query = "select null::varchar as table_name where false"
        return self._cursor.sql(query, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def _ask_for_no_temporary_tables() -> None:
    """Only a session's cursor has temporary tables when a query begins: every other one is new."""
    from local_bigquery.jobs import query

    execute = query.execute

    def execute_quickly(cursor: Any, *args: Any, session: Any = None, **options: Any) -> Any:
        return execute(cursor if session else _CursorWithoutTemporaryTables(cursor), *args, session=session, **options)

    query.execute = execute_quickly


if __name__ == "__main__":
    main()
