"""local-bigquery's own tables, of jobs and of what datasets hold, are made anew without their deleted rows.

Belongs here: when, and that nobody writes meanwhile. Does not belong here: what is deleted (expiry), tables of datasets
(merging). Runs in the warehouse's environment, as the server does.

DuckDB keeps the deleted rows of a table that has a key, and reads them with the others. Each statement looks for its
job several times, so it would take longer by all the statements before it.
"""

import threading
from collections.abc import Callable
from typing import Any

from local_stack.bigquery.maintenance.statements import fetch

_LEAST_DELETED = 300
"""A table with fewer deleted rows is left as it is, and one with fewer of them than others."""


class Rebuilding:
    """One table at a time, while those who write to any of them wait: a few hundredths of a second."""

    def __init__(self) -> None:
        self._alone = threading.Lock()

    def install(self) -> None:
        """Let those who write wait; after all else that replaces the same functions."""
        from local_bigquery.catalog import metadata
        from local_bigquery.jobs import store

        for module in (metadata, store):
            for name in ("save", "delete"):
                setattr(module, name, self._waiting(getattr(module, name)))

    def rebuild(self) -> None:
        """The tables most of whose rows are deleted ones."""
        from local_bigquery.engine import database

        tables = fetch(
            "select table_name, sql from duckdb_tables() "
            "where database_name = 'emulator' and schema_name = 'main' and has_primary_key"
        )
        for name, made_by in tables:
            table = database.quote("emulator", "main", name)
            [(rows, deleted)] = fetch(f"select count(*), coalesce(max(rowid), -1) + 1 - count(*) from {table}")
            if deleted >= max(_LEAST_DELETED, rows):
                self._rebuild(table, database.quote(name), made_by)

    def _rebuild(self, table: str, name: str, made_by: str) -> None:
        from local_bigquery.engine import database

        with self._alone, database.cursor() as cursor:
            cursor.execute("use emulator.main")
            cursor.execute("begin")
            cursor.execute(f"alter table {table} rename to left_behind")
            cursor.execute(made_by)
            cursor.execute(f"insert into {name} select * from left_behind")
            cursor.execute("drop table left_behind")
            cursor.execute("commit")

    def _waiting(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def write_apart(*args: Any) -> Any:
            with self._alone:
                return write(*args)

        return write_apart
