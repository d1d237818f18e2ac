"""When a second run should stand by, over plain values."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.automation.backlog import FlightRecord
from orchestration.automation.standby import (
    MAX_STANDBYS,
    STANDBY_AFTER,
    STANDBY_AT_LAST,
    run_to_follow,
    standby_run_key,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - STANDBY_AFTER
A_SECOND_LATER = LONG_AGO + timedelta(seconds=1)
AT_WORK = FlightRecord("at-work", "STARTED", LONG_AGO)


def test_a_run_that_goes_on_is_followed() -> None:
    assert run_to_follow([AT_WORK], None, NOW, is_building=False) == "at-work"


@pytest.mark.parametrize(
    "in_flight",
    [
        pytest.param([], id="nothing runs"),
        pytest.param([FlightRecord("queued", "QUEUED")], id="it has not started"),
        pytest.param([FlightRecord("new", "STARTED", A_SECOND_LATER)], id="it may be for a burst"),
        pytest.param([AT_WORK, FlightRecord("next", "QUEUED")], id="another is coming already"),
    ],
)
def test_otherwise_none_is_started(in_flight: list[FlightRecord]) -> None:
    assert run_to_follow(in_flight, None, NOW, is_building=False) is None


def test_a_run_that_has_just_taken_over_is_left_to_its_first_batches() -> None:
    assert run_to_follow([AT_WORK], A_SECOND_LATER, NOW, is_building=False) is None
    assert run_to_follow([AT_WORK], LONG_AGO, NOW, is_building=False) == "at-work"


def test_a_build_is_waited_for_but_not_for_ever() -> None:
    assert run_to_follow([AT_WORK], None, NOW, is_building=True) is None
    long_at_it = FlightRecord("at-work", "STARTED", NOW - STANDBY_AT_LAST)
    assert run_to_follow([long_at_it], None, NOW, is_building=True) == "at-work"


def test_one_that_died_while_it_waited_is_replaced_a_few_times() -> None:
    keys = [standby_run_key("at-work", started) for started in range(MAX_STANDBYS)]
    assert len({key for key in keys if key}) == MAX_STANDBYS
    assert standby_run_key("at-work", MAX_STANDBYS) is None
