"""A processor that goes on: it waits for its turn, and then runs again and again until it is ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from spark_jobs.processor.__main__ import go_on, turn_of
from spark_jobs.settings import SettingError


class Ended(Exception):
    """As a SIGTERM ends it."""


def test_without_a_lease_it_is_always_this_processes_turn() -> None:
    with turn_of(lambda: None, {})(lambda: pytest.fail("nobody else can be at it")):
        pass


@pytest.mark.parametrize("name", ["turn", "payments/", "/turn", "Payments/turn", "payments/turn/x"])
def test_a_lease_that_is_no_name_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(SettingError, match="PAYMENTS_TURN_LEASE must be NAMESPACE/NAME"):
        turn_of(lambda: None, {"PAYMENTS_TURN_LEASE": name})


def test_it_warms_up_waits_runs_again_and_again_and_lets_go_at_its_end() -> None:
    events = list[str]()

    @contextmanager
    def turn(before_waiting: Callable[[], None]) -> Iterator[None]:
        before_waiting()
        events.append("taken")
        try:
            yield
        finally:
            events.append("let go")

    def run() -> None:
        events.append("run")
        if events.count("run") == 3:
            raise Ended

    with pytest.raises(Ended):
        go_on(run, turn, lambda: events.append("warm"), lambda: events.append("alive"))
    assert events == ["warm", "taken", *["alive", "run"] * 3, "let go"]
