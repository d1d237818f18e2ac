"""A command that asks: by the run at work where there is one, by itself where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from spark_jobs.decision_queue import asking
from spark_jobs.decision_queue.asking import PATIENCE_SECONDS, decide_by_queue
from spark_jobs.decision_queue.carrying_out import CarryingOut
from spark_jobs.decision_queue.request import Kind, Progress, Request
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.tables.request_tables import State
from spark_jobs.turns.turn import Hold
from tests.unit.spark_jobs.batches import CONTROL, SETTINGS

REQUEST = Request(Kind.LATE, {}, "operator", "asked")


@dataclass
class Platform:
    """A queue, a turn that may be taken, and a clock that goes on while one sleeps."""

    is_taken: bool = False
    done_after: float = 0
    now: float = 0.0
    did: list[str] = field(default_factory=list)
    fences: int = 0

    @contextmanager
    def turn(self, before_waiting: Callable[[], None]) -> Iterator[Hold]:
        if self.is_taken:
            before_waiting()
        self.did.append("took the turn")
        yield Hold()

    def progress(self, *_: Any) -> Progress:
        return Progress(State.DONE, 1, 5) if self.is_done() else Progress()

    def is_done(self) -> bool:
        return "decided" in self.did or (self.is_taken and self.now >= self.done_after)

    def step(self, epoch: int) -> bool:
        if self.fences:
            self.fences -= 1
            raise Incident(IncidentKind.FENCED, "another run took over.")
        self.did.append("decided")
        return epoch == CONTROL.epoch + 1

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Platform:
    platform = Platform()
    raised = type(CONTROL)(
        **{name: getattr(CONTROL, name) for name in CONTROL.__slots__} | {"epoch": CONTROL.epoch + 1}
    )
    for name, stand_in in {
        "read_control": lambda *_: CONTROL,
        "raise_epoch": lambda *_, **__: raised,
        "ensure_tables": lambda *_: None,
        "ask": lambda *_: platform.did.append("asked"),
        "row_count": lambda *_: int(platform.is_done()),
        "progress_of": platform.progress,
    }.items():
        monkeypatch.setattr(asking, name, stand_in)
    monkeypatch.setattr(CarryingOut, "step", lambda _, epoch: platform.step(epoch))
    monkeypatch.setattr("time.sleep", platform.sleep)
    monkeypatch.setattr("time.monotonic", lambda: platform.now)
    return platform


def asked_for(platform: Platform, message: list[str] | None = None) -> Progress:
    say = message.append if message is not None else lambda _: None
    return decide_by_queue(None, SETTINGS, REQUEST, platform.turn, say)  # type: ignore[arg-type]


def test_where_no_run_is_at_work_it_is_carried_out_at_once(platform: Platform) -> None:
    assert asked_for(platform).decided == 5
    assert platform.did == ["asked", "took the turn", "decided"]
    assert platform.now == 0


def test_where_a_run_is_at_work_it_is_waited_for_and_said_once(platform: Platform) -> None:
    platform.is_taken, platform.done_after = True, 60
    message: list[str] = []
    assert asked_for(platform, message).decided == 5
    assert platform.did == ["asked"]
    assert message == ["A run is at work: it carries the request out between two batches."]


def test_a_command_whose_epoch_another_run_takes_waits_for_that_run(platform: Platform) -> None:
    platform.fences = 1
    assert asked_for(platform).decided == 5
    assert platform.did == ["asked", "took the turn", "took the turn", "decided"]


def test_a_request_of_which_nothing_comes_stays_and_the_command_says_so(platform: Platform) -> None:
    platform.is_taken, platform.done_after = True, 10 * PATIENCE_SECONDS
    with pytest.raises(Incident, match=f"request {REQUEST.request_id} waits"):
        asked_for(platform)


def test_before_the_first_run_there_is_nothing_to_decide(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "read_control", lambda *_: None)
    assert asked_for(platform) == Progress()
    assert platform.did == []
