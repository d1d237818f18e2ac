"""A processor that goes on: it waits for its turn, and then runs again and again until it is ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from spark_jobs.processor.__main__ import go_on
from spark_jobs.turns.turn import Hold, Turn


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
