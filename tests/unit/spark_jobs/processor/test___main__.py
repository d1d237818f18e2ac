"""A processor that goes on: it waits for its turn, and then runs again and again until it is ended."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.driver import spark_session
from spark_jobs.processor import __main__ as processor
from spark_jobs.processor.__main__ import go_on
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.turns.turn import Hold, Turn, at_once


class Ended(Exception):
    """As a SIGTERM ends it."""


def test_it_warms_up_waits_runs_again_and_again_and_lets_go_at_its_end() -> None:
    events, ours = list[str](), Hold()

    @contextmanager
    def turn(before_waiting: Callable[[], None]) -> Iterator[Hold]:
        before_waiting()
        events.append("taken")
        try:
            yield ours
        finally:
            events.append("let go")

    def run(in_turn: Turn) -> None:
        with in_turn(lambda: pytest.fail("it is ours already")) as hold:
            assert hold is ours
        events.append("run")
        if events.count("run") == 3:
            raise Ended

    with pytest.raises(Ended):
        go_on(run, turn, lambda: events.append("warm"), lambda: events.append("alive"))
    assert events == ["warm", "taken", *["alive", "run"] * 3, "let go"]


def test_its_batches_are_as_far_apart_as_is_set_and_a_broker_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: dict[str, Any] = {}

    def drain(*_: object, **options: Any) -> None:
        given.update(options)
        raise BrokerUnreachable("Kafka at kafka.example.com:9092: no answer")

    monkeypatch.setenv("PAYMENTS_HOME", str(tmp_path))
    monkeypatch.setenv("PAYMENTS_BATCH_SECONDS", "7")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(spark_session, "build_session", lambda *_: None)
    monkeypatch.setattr(processor, "turn_of", lambda *_: at_once)
    monkeypatch.setattr(processor, "drain", drain)
    with pytest.raises(SystemExit, match=r"^Kafka at kafka\.example\.com:9092: no answer$"):
        processor.main(["--alive", str(tmp_path / "alive")])
    assert given["batch_seconds"] == 7
    assert (tmp_path / "alive").exists()
