"""A new cursor has no temporary tables. Runs in the warehouse's environment, as the server does.

Belongs here: what needs no question. Does not belong here: quicker answers (catalog_lookups). Each query begins by
listing every table that DuckDB knows, to find temporary ones; only the cursor of a session that has made one has any
by then. In the transaction of a session the list takes seconds, once the warehouse has worked for ten minutes.

Without it the server's CPU time is
+74 % for a small batch, +35 % for a large one, -3 % for a dbt build
(`make bench-patches`).
"""

import re
from typing import Any

REPLACES = {
    "local_bigquery.jobs.query:execute": "4ac0c989b055",
}
_TEMPORARY_TABLES = "SELECT table_name FROM duckdb_tables() WHERE temporary"
"""What local-bigquery asks at the start of each query, word for word."""
_MAKES_ONE = re.compile(r"\bcreate\s+(or\s+replace\s+)?temp(orary)?\s+table\b", re.IGNORECASE)


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


def install() -> None:
    """Put it in place; before the server starts."""
    from local_bigquery.jobs import query

    execute = query.execute

    with_tables: set[str] = set()

    def execute_quickly(
        cursor: Any, project_id: str, job_id: str | None, config: Any, *args: Any, session: Any = None, **options: Any
    ) -> Any:
        if session is None or session.id not in with_tables:
            cursor = _CursorWithoutTemporaryTables(cursor)
        if session is not None and _MAKES_ONE.search(config.query or ""):
            with_tables.add(session.id)
        return execute(cursor, project_id, job_id, config, *args, session=session, **options)

    query.execute = execute_quickly
