"""When a second run should stand by, over plain values."""

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.backlog import FlightRecord
from orchestration.standby import MAX_STANDBYS, STANDBY_AFTER, run_to_follow, standby_run_key

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - STANDBY_AFTER
AT_WORK = FlightRecord("at-work", "STARTED", LONG_AGO)


def test_a_run_that_goes_on_is_followed() -> None:
    assert run_to_follow([AT_WORK], NOW) == "at-work"


@pytest.mark.parametrize(
    "in_flight",
    [
        pytest.param([], id="nothing runs"),
        pytest.param([FlightRecord("queued", "QUEUED")], id="it has not started"),
        pytest.param([FlightRecord("new", "STARTED", LONG_AGO + timedelta(seconds=1))], id="it may be for a burst"),
        pytest.param([AT_WORK, FlightRecord("next", "QUEUED")], id="another is coming already"),
    ],
)
def test_otherwise_none_is_started(in_flight: list[FlightRecord]) -> None:
    assert run_to_follow(in_flight, NOW) is None


def test_one_that_died_while_it_waited_is_replaced_a_few_times() -> None:
    keys = [standby_run_key("at-work", started) for started in range(MAX_STANDBYS)]
    assert len({key for key in keys if key}) == MAX_STANDBYS
    assert standby_run_key("at-work", MAX_STANDBYS) is None
