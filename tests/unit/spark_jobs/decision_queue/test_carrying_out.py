"""Carrying requests out: what costs nothing while none waits, and that no failure of one stops a batch."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable

from spark_jobs.corrections.conflicts import NoSuchChoice
from spark_jobs.decision_queue import carrying_out
from spark_jobs.decision_queue.carrying_out import LOOK_SECONDS, MAX_FAILURES, CarryingOut
from spark_jobs.decision_queue.request import Kind, Progress, Request
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.tables.request_tables import Portion, State
from tests.unit.spark_jobs.batches import SETTINGS

RESOLVE = Request(Kind.RESOLVE, {"transaction_id": "a", "keep": "first"}, "operator", "asked")


@dataclass
class Queue:
    """What the warehouse would answer, and what it was asked."""

    waiting: list[Request] = field(default_factory=list)
    rows: int = 0
    message: list[str] = field(default_factory=list)
    concluded: list[tuple[str, State, str]] = field(default_factory=list)
    now: float = 100.0

    def row_count(self, *_: Any) -> int:
        self.message.append("metadata")
        return self.rows

    def oldest(self, *_: Any) -> Request | None:
        self.message.append("query")
        return self.waiting[0] if self.waiting else None

    def progress(self, *_: Any) -> Progress:
        return Progress()

    def conclude(
        self, _client: Any, _settings: Any, request: Request, portion: Portion, state: State, why: str
    ) -> None:
        self.concluded.append((f"{request.request_id}/{portion.number}", state, why))
        self.waiting.remove(request)

    def ask(self, request: Request) -> None:
        self.waiting.append(request)
        self.rows += 1


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    queue = Queue()
    monkeypatch.setattr(carrying_out, "row_count", queue.row_count)
    monkeypatch.setattr(carrying_out, "oldest_waiting", queue.oldest)
    monkeypatch.setattr(carrying_out, "progress_of", queue.progress)
    monkeypatch.setattr(carrying_out, "conclude", queue.conclude)
    return queue


def connected(*_: Any) -> AbstractContextManager[None]:
    return nullcontext()


def of(queue: Queue) -> CarryingOut:
    return CarryingOut(SETTINGS, lambda: queue.now, connected)  # type: ignore[arg-type]


def decides(monkeypatch: pytest.MonkeyPatch, comes_to: Callable[[], bool | None]) -> None:
    monkeypatch.setattr(CarryingOut, "_portion", lambda *_: comes_to())


def test_while_nothing_is_asked_for_a_tables_metadata_is_all_that_is_looked_at(queue: Queue) -> None:
    carrying = of(queue)
    for _ in range(5):
        assert not carrying.step(1)
    assert queue.message == ["metadata"], "at most once in a while"
    queue.now += LOOK_SECONDS
    assert not carrying.step(1)
    assert queue.message == ["metadata"] * 2


def test_what_was_asked_for_before_is_looked_for_once(queue: Queue) -> None:
    queue.rows = 7
    carrying = of(queue)
    for _ in range(3):
        assert not carrying.step(1)
        queue.now += LOOK_SECONDS
    assert queue.message == ["metadata", "query", "metadata", "metadata"]


def test_a_request_is_carried_out_and_the_next_looked_for_at_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides(monkeypatch, lambda: bool(queue.waiting.pop(0)))
    carrying = of(queue)
    assert not carrying.step(1)
    queue.ask(RESOLVE)
    queue.ask(Request(Kind.RESOLVE, {}, "operator", "asked"))
    queue.now += LOOK_SECONDS
    assert [carrying.step(1) for _ in range(3)] == [True, True, False]
    assert queue.concluded == []


def test_where_nothing_is_left_to_write_the_request_is_done(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    decides(monkeypatch, lambda: None)
    queue.ask(RESOLVE)
    assert of(queue).step(1)
    assert queue.concluded == [(f"{RESOLVE.request_id}/1", State.DONE, "{}")]


def test_what_cannot_be_chosen_is_refused_with_its_line(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> bool:
        raise NoSuchChoice("a is in no conflict.")

    decides(monkeypatch, refuse)
    queue.ask(RESOLVE)
    assert of(queue).step(1)
    assert queue.concluded == [(f"{RESOLVE.request_id}/1", State.REFUSED, "a is in no conflict.")]


def test_a_request_whose_payment_was_erased_is_refused(queue: Queue) -> None:
    queue.ask(Request(Kind.RESOLVE, None, "operator", "asked"))
    assert of(queue).step(1)
    [(_, state, why)] = queue.concluded
    assert (state, why) == (State.REFUSED, carrying_out.GONE)


@pytest.mark.parametrize("failure", [Incident(IncidentKind.LOAD_FAILED, "no room."), KeyError("a defect")])
def test_a_failure_stops_no_batch_and_is_tried_a_few_times(
    failure: Exception, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> bool:
        raise failure

    decides(monkeypatch, fail)
    queue.ask(RESOLVE)
    carrying = of(queue)
    assert [carrying.step(1) for _ in range(MAX_FAILURES)] == [True] * MAX_FAILURES
    [(_, state, _)] = queue.concluded
    assert state is State.FAILED
    assert not carrying.step(1)


def test_the_loss_of_the_epoch_is_raised(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose() -> bool:
        raise Incident(IncidentKind.FENCED, "another run took over.")

    decides(monkeypatch, lose)
    queue.ask(RESOLVE)
    with pytest.raises(Incident, match="FENCED"):
        of(queue).step(1)


def test_a_warehouse_that_is_silent_about_the_queue_stops_no_batch(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any) -> int:
        raise ServiceUnavailable("come back later")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(carrying_out, "row_count", silent)
    queue.ask(RESOLVE)
    carrying = of(queue)
    assert not carrying.step(1)
    assert queue.waiting == [RESOLVE]
