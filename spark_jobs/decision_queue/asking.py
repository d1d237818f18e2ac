"""A command's side: it writes its request down and waits, or carries it out where no run is at work.

Belongs here: that choice, by the turn, and the waiting. Does not belong here: what is printed (orchestration).
"""

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from spark_jobs.decision_queue.carrying_out import CarryingOut
from spark_jobs.decision_queue.queue_table import ask, progress_of, row_count
from spark_jobs.decision_queue.request import Progress, Request
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DECISION_OUTCOMES
from spark_jobs.turns.turn import Turn
from spark_jobs.warehouse.control_row import raise_epoch, read_control
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.table_setup import ensure_tables

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

POLL_SECONDS = 0.5
TURN_SECONDS = 5.0
"""How often it is looked whether a turn is free: with a lease that is billed 10 MiB."""
PATIENCE_SECONDS = 900.0
"""How long a request may wait without a portion of it being carried out."""

type Say = Callable[[str], None]


class _Taken(Exception):
    """Somebody else holds the turn."""


@failures_as_incidents()
def decide_by_queue(
    client: "Client", settings: JobSettings, request: Request, turn: Turn, say: Say = lambda _: None
) -> Progress:
    """Ask for a decision, and return what became of it.

    Args:
        client: of the warehouse.
        settings: name the pipeline.
        request: what is asked for.
        turn: whose holder is the run at work.
        say: told that the run at work will do it.

    Raises:
        Incident: the warehouse refused, or nothing came of the request for PATIENCE_SECONDS: it stays in the queue.
    """
    if read_control(client, settings) is None:
        return Progress()
    ensure_tables(client, settings)
    ask(client, settings, request)
    waiting = _Waiting(client, settings, request, turn, say)
    while not waiting.progress.is_over:
        waiting.go_on()
    return waiting.progress


class _Waiting:
    """For the end of one request."""

    def __init__(self, client: "Client", settings: JobSettings, request: Request, turn: Turn, say: Say) -> None:
        self.progress = Progress()
        self._client, self._settings, self._request, self._turn, self._say = client, settings, request, turn, say
        self._rows: int | None = None
        self._moved_at = time.monotonic()
        self._turn_at = 0.0
        self._has_said = False

    def go_on(self) -> None:
        """Carry it out where the turn is free; else wait, and look."""
        if time.monotonic() >= self._turn_at and self._carried_out():
            return
        time.sleep(POLL_SECONDS)
        self._look()
        if time.monotonic() - self._moved_at > PATIENCE_SECONDS:
            raise Incident(
                IncidentKind.WAREHOUSE_FAILED,
                f"request {self._request.request_id} waits, and nothing has come of it for {PATIENCE_SECONDS:.0f} s: "
                f"it stays in decision_requests, and the run at work carries it out when it can.",
            )

    def _look(self) -> None:
        """A table's metadata says for nothing whether anything was decided."""
        rows = row_count(self._client, self._settings, DECISION_OUTCOMES)
        if rows == self._rows:
            return
        self._rows = rows
        before, self.progress = self.progress, progress_of(self._client, self._settings, self._request.request_id)
        if self.progress != before:
            self._moved_at = time.monotonic()

    def _carried_out(self) -> bool:
        """Whether it is over, by this process, under an epoch of its own."""
        try:
            with self._turn(_taken), CarryingOut(self._settings) as queue:
                control = read_control(self._client, self._settings)
                if control is None:
                    return False
                epoch = raise_epoch(
                    self._client, self._settings, holder=f"decide{uuid.uuid4().hex[:12]}", first=control
                ).epoch
                while queue.step(epoch):
                    self._look()
                    if self.progress.is_over:
                        return True
                self._look()
        except _Taken:
            if not self._has_said:
                self._has_said = True
                self._say("A run is at work: it carries the request out between two batches.")
        except Incident as lost:
            # A run without a turn has taken over, and carries out what waits.
            if lost.kind is not IncidentKind.FENCED:
                raise
        self._turn_at = time.monotonic() + TURN_SECONDS
        return self.progress.is_over


def _taken() -> None:
    raise _Taken
