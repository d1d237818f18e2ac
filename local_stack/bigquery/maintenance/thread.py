"""The thread that tidies up beside the server's work. Runs in the warehouse's environment, as the server does.

Belongs here: the order of the pieces, and what happens where one fails. Does not belong here: the pieces.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from local_stack.bigquery.maintenance import expiry
from local_stack.bigquery.maintenance.gate import MergingGate
from local_stack.bigquery.maintenance.merging import Merging
from local_stack.bigquery.maintenance.rebuilding import Rebuilding

_EVERY_SECONDS = 5.0
"""Rounds are this far apart, and closer where little is kept."""
_ROUNDS_WHILE_KEPT = 20
_STOP_SECONDS = 10.0
_MOST_FILE_SECONDS = 600.0
"""A file that no state of a table has any more is kept at most so long, for queries that began before."""


class Maintenance:
    """Tidies up, piece by piece, what is older than `keep_seconds` or lies in too many files."""

    def __init__(self, keep_seconds: float, gate: MergingGate, own_tables: Rebuilding) -> None:
        self._keep_seconds = keep_seconds
        self._merging = Merging(gate)
        self._own_tables = own_tables

    @contextmanager
    def running(self) -> Iterator[None]:
        """In the background, as long as the server lives."""
        stopped = threading.Event()
        thread = threading.Thread(target=self._work_until, args=[stopped], name="maintenance", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join(_STOP_SECONDS)

    def pieces(self, project_id: str) -> Iterator[Callable[[], object]]:
        """Those of one round; each is bounded, and good for itself."""
        yield from self._merging.pieces(project_id)
        files_seconds = min(self._keep_seconds, _MOST_FILE_SECONDS)
        yield partial(expiry.expire, project_id, self._keep_seconds)
        yield partial(expiry.delete_files, project_id, files_seconds)
        yield partial(expiry.remove_folders, project_id, files_seconds)
        yield partial(expiry.forget_jobs, project_id, self._keep_seconds)
        yield self._own_tables.rebuild

    def _work_until(self, stopped: threading.Event) -> None:
        from local_bigquery.engine import database

        last = ""
        while not stopped.wait(min(_EVERY_SECONDS, self._keep_seconds / _ROUNDS_WHILE_KEPT)):
            for project_id in sorted(database._attached):
                try:
                    for piece in self.pieces(project_id):
                        if stopped.is_set():
                            return
                        piece()
                except Exception as error:  # noqa: BLE001 - the next round begins anew; the same failure is said once
                    if (message := f"maintenance of {project_id}: {str(error).splitlines()[0]}") != last:
                        sys.stderr.write(f"{message}\n")
                        last = message
