"""Requests carried out, a portion at a time, under one epoch: by the run at work, or by the command where none is.

Belongs here: the next portion, what is made of a refusal and of a failure. Does not belong here: whose epoch it is
(driver, asking), what is decided (corrections, erasure).
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from spark_jobs.corrections.backfill import NoLongerThere, Recomputed
from spark_jobs.corrections.conflicts import NoSuchChoice, plan_resolution
from spark_jobs.corrections.decisions import Plan, decide
from spark_jobs.corrections.late_payments import plan_late
from spark_jobs.crash_points import Point, crash_point
from spark_jobs.decision_queue.queue_table import conclude, oldest_waiting, progress_of, row_count
from spark_jobs.decision_queue.request import Kind, Progress, Request, late_selection
from spark_jobs.erasure.erase import erase_portion
from spark_jobs.erasure.search import Search
from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import DECISION_REQUESTS
from spark_jobs.tables.request_tables import Portion, State
from spark_jobs.warehouse.client import connect
from spark_jobs.warehouse.job_labels import Work
from spark_jobs.warehouse.retries import failures

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

MAX_FAILURES = 3
"""So many times a portion is tried by one process; then the request is FAILED."""
LOOK_SECONDS = 1.0
"""While nothing waits, it is looked at most so often."""
GONE = "what it named was erased before it was carried out."

log = logging.getLogger(__name__)


class CarryingOut:
    """The requests of one pipeline, the oldest first."""

    def __init__(
        self,
        settings: JobSettings,
        clock: Callable[[], float] = time.monotonic,
        connected: "Callable[[JobSettings, Work], Client]" = connect,
    ) -> None:
        self._settings, self._clock, self._connect = settings, clock, connected
        self._opened = ExitStack()
        self._clients: dict[Work, Client] = {}
        self._failed: Counter[str] = Counter()
        self._search: tuple[str, Search] | None = None
        self._look_at = clock()
        self._empty_at: int | None = None

    def __enter__(self) -> "CarryingOut":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def step(self, epoch: int) -> bool:
        """Carry out the next portion; whether a request waited.

        Nothing but the epoch's loss is raised: a decision that fails stops no batch.

        Raises:
            Incident: FENCED, where the epoch is another's.
        """
        try:
            request = self._next()
            if request is not None:
                self._carry_out(request, epoch)
            return request is not None
        except Incident as failed:
            if failed.kind is IncidentKind.FENCED:
                raise
            log.warning("requested decisions wait: %s", failed)
        except failures() as silent:
            log.warning("requested decisions wait: %s", one_line(silent))
        self._look_at = self._clock() + LOOK_SECONDS
        return False

    def _next(self) -> Request | None:
        """What waits. Where nothing did, a table's metadata tells whether something was asked for since."""
        if self._clock() < self._look_at:
            return None
        client = self._client(Work.DECISION)
        # Counted before it is asked: what comes in between is seen the next time.
        rows = row_count(client, self._settings, DECISION_REQUESTS)
        request = oldest_waiting(client, self._settings) if rows not in (0, self._empty_at) else None
        self._empty_at = None if request else rows
        if request is None:
            self._look_at = self._clock() + LOOK_SECONDS
        return request

    def _carry_out(self, request: Request, epoch: int) -> None:
        client = self._client(request.kind.work)
        done = progress_of(client, self._settings, request.request_id)
        most = self._settings.decision_portion
        portion = Portion(request.request_id, done.portions + 1, epoch, most)
        end = partial(conclude, client, self._settings, request, portion)
        try:
            is_over = self._portion(client, request, done, portion)
        except (NoSuchChoice, NoLongerThere) as refused:
            end(State.REFUSED, str(refused))
            return
        except Exception as failed:
            if isinstance(failed, Incident) and failed.kind is IncidentKind.FENCED:
                raise
            # Whatever it is, a defect too: it must not stop the batches.
            self._failed[request.request_id] += 1
            log.warning("a portion of the requested %s failed: %s", request.kind, one_line(failed))
            if self._failed[request.request_id] >= MAX_FAILURES:
                end(State.FAILED, one_line(failed))
            return
        crash_point(Point.DECISION_COMMITTED)
        if is_over is None:
            end(State.DONE, "{}")

    def _portion(self, client: "Client", request: Request, done: Progress, portion: Portion) -> bool | None:
        """Whether it was the last one; None where there was nothing to write any more."""
        if request.arguments is None:
            raise NoSuchChoice(GONE)
        if request.kind is Kind.ERASURE:
            who = {"erased_by": request.requested_by, "reason": request.reason}
            search = self._search_of(client, request)
            erased = erase_portion(client, self._settings, search, portion=portion, **who)
            return erased.is_last if erased.receipts else None
        who = {"decided_by": request.requested_by, "reason": request.reason}
        plan = self._plan_of(client, request, done, portion.most)
        planned = decide(client, self._settings, plan, portion=portion, **who)
        return planned.is_last if planned.decisions else None

    def _plan_of(self, client: "Client", request: Request, done: Progress, most: int) -> Callable[[], Plan]:
        reported = request.arguments or {}
        if request.kind is Kind.RESOLVE:
            return partial(plan_resolution, client, self._settings, reported["transaction_id"], reported["keep"])
        if request.kind is Kind.BACKFILL:
            return partial(Recomputed.of_arguments(client, self._settings, reported).plan, most)
        selection, kind = late_selection(reported, done.decided)
        if selection.limit <= 0:
            return Plan
        return partial(plan_late, client, self._settings, selection, kind, most)

    def _search_of(self, client: "Client", request: Request) -> Search:
        if self._search is None or self._search[0] != request.request_id:
            self._search = request.request_id, Search(client, self._settings, (request.arguments or {})["account"])
        return self._search[1]

    def _client(self, work: Work) -> "Client":
        if work not in self._clients:
            self._clients[work] = self._opened.enter_context(self._connect(self._settings, work))
        return self._clients[work]
