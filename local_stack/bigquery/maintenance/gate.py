"""Keeps jobs that may delete rows and the merging of a table's files apart. Runs in the warehouse's environment.

Belongs here: which jobs, and who waits for whom. Does not belong here: merging (merging), running jobs.

DuckLake fails a transaction that deletes rows of a table whose files were merged since it began; one that only adds
rows it lets pass. So a table is merged while no job that may delete from it runs, and such a job waits meanwhile.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MAY_DELETE = re.compile(r"\b(delete|update|merge|truncate|write_truncate|call|execute)\b")
_NAMES_NO_TABLE = re.compile(r"\b(call|execute)\b")
"""Such a job may delete from any table."""


class MergingGate:
    """Jobs pass side by side; while a table is merged, those wait that may delete from it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: dict[object, str] = {}
        self._merged: str | None = None

    @contextmanager
    def job(self, text: str) -> Iterator[None]:
        """Run a job inside; `text` holds its statements, or whatever names its tables."""
        text = text.casefold()
        if not _MAY_DELETE.search(text):
            yield
            return
        key = object()
        with self._changed:
            self._changed.wait_for(lambda: self._merged is None or not _may_delete_from(text, self._merged))
            self._jobs[key] = text
        try:
            yield
        finally:
            with self._changed:
                del self._jobs[key]
                self._changed.notify_all()

    @contextmanager
    def merging(self, table: str, patience_seconds: float) -> Iterator[bool]:
        """Whether the table may be merged inside: False where jobs that may delete from it ran all the time."""
        table = table.casefold()
        with self._changed:
            is_free = self._changed.wait_for(
                lambda: not any(_may_delete_from(text, table) for text in self._jobs.values()), patience_seconds
            )
            if is_free:
                self._merged = table
        try:
            yield is_free
        finally:
            with self._changed:
                self._merged = None if is_free else self._merged
                self._changed.notify_all()


def install(gate: MergingGate) -> None:
    """Let every job pass the gate; before the server starts."""
    from local_bigquery.jobs import runner

    execute = runner._execute

    def execute_apart(job: Any, *args: Any) -> None:
        with gate.job(json.dumps(job.configuration.dump())):
            execute(job, *args)

    runner._execute = execute_apart


def _may_delete_from(text: str, table: str) -> bool:
    return table in text or bool(_NAMES_NO_TABLE.search(text))
