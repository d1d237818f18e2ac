"""How long a run of the streaming job goes on, and how far apart its batches begin: by a clock that only pretends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import ClassVar, Self, cast
from unittest.mock import Mock

import pytest

from spark_jobs import process_payments
from spark_jobs.driver.run import Run
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.processor import __main__ as processor
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import SettingError, read_job_settings
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.turns.turn import Hold

BATCH = 0.5
"""Seconds that a batch takes here."""


@dataclass
class Clock:
    """Time passes where somebody sleeps."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


@dataclass
class FakeRun:
    """Publishes a batch wherever something waits, and notes when it began."""

    clock: Clock
    waits: Callable[[float], bool]
    began: list[float] = field(default_factory=list)
    asked: int = 0

    def decide(self) -> bool:
        """Portions of decisions that wait."""
        self.asked -= 1
        return self.asked >= 0

    def drain_once(self, deadline: float) -> bool:
        assert self.clock.now < deadline
        if not self.waits(self.clock.now):
            return False
        self.began.append(self.clock.now)
        self.clock.now += BATCH
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(process_payments, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep))
    return clock


def begun(clock: Clock, waits: Callable[[float], bool], **pace: float) -> list[float]:
    run = FakeRun(clock, waits)
    pace = {"deadline": 10, "idle_seconds": 0, "batch_seconds": 0} | pace
    process_payments._shift(cast("Run", run), **pace)
    return run.began


def test_under_steady_traffic_one_batch_follows_the_other(clock: Clock) -> None:
    assert begun(clock, lambda _: True) == [n * BATCH for n in range(20)]
    assert clock.now == 10


def test_batches_may_be_kept_apart(clock: Clock) -> None:
    assert begun(clock, lambda _: True, batch_seconds=3) == [0, 3, 6, 9]
    assert clock.now == 10


def test_a_batch_that_takes_longer_than_the_gap_is_followed_at_once(clock: Clock) -> None:
    assert begun(clock, lambda _: True, deadline=2, batch_seconds=0.25) == [0, 0.5, 1, 1.5]


def test_a_run_ends_once_nothing_has_come_for_so_long(clock: Clock) -> None:
    assert begun(clock, lambda now: now < 1, idle_seconds=2) == [0, 0.5]
    assert clock.now == pytest.approx(3, abs=2 * process_payments.POLL_SECONDS)


def test_without_patience_a_run_ends_with_the_backlog(clock: Clock) -> None:
    assert begun(clock, lambda now: now < 1) == [0, 0.5]
    assert clock.now == 1


def test_a_run_confirms_its_turn_before_it_takes_over_and_is_told_where_it_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = list[str]()

    class Lost(Hold):
        def confirm(self) -> None:
            events.append("confirmed")

        def check(self) -> None:
            raise Incident(IncidentKind.FENCED, "the lease is another run's.")

    class Begins:
        reports: ClassVar[list[BatchReport]] = []

        def __init__(
            self, _spark: object, _settings: object, _on_batch: object, check_turn: Callable[[], None]
        ) -> None:
            self.drain_once = lambda _deadline: check_turn()

        def __enter__(self) -> Self:
            events.append("takes over")
            return self

        def __exit__(self, *_: object) -> None:
            events.append("ends")

    @contextmanager
    def turn(before_waiting: Callable[[], None]) -> Iterator[Hold]:
        before_waiting()
        yield Lost()
        events.append("never lets go of it in order")

    monkeypatch.setattr(process_payments, "Run", Begins)
    monkeypatch.setattr(process_payments, "warm_up", lambda *_: events.append("warms up"))
    given = lambda: events.append("stands by")  # noqa: E731
    with pytest.raises(Incident, match="FENCED"):
        process_payments.drain(Mock(), read_job_settings({}), turn=turn, on_standby=given)
    assert events == ["warms up", "stands by", "confirmed", "takes over", "ends"]


STOPS = [
    SettingError("BIGQUERY_PROJECT is 'no project'."),
    Incident(IncidentKind.TOPIC_MISSING, "topic 'payments' does not exist"),
    BrokerUnreachable("Kafka at kafka.example.com:9092: no answer"),
]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
@pytest.mark.parametrize("entry", [process_payments, processor], ids=lambda entry: entry.__name__)
def test_what_stops_a_process_or_keeps_it_from_starting_is_its_last_line(
    entry: ModuleType, stop: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "read_job_settings", Mock(side_effect=stop))
    with pytest.raises(SystemExit) as ended:
        entry.main([])
    assert ended.value.code == str(stop)


def test_a_run_does_not_end_while_a_decision_waits(clock: Clock) -> None:
    run = FakeRun(clock, lambda _: False, asked=3)
    process_payments._shift(cast("Run", run), 100, 0, 0)
    assert run.asked < 0
    assert run.began == []
