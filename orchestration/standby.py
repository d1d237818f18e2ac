"""Whether a second run should stand by, warm, to follow on the one at work however it ends: a pure decision.

Belongs here: the rule. Does not belong here: reading run records (runs.py), emitting requests (sensors.py), waiting for
one's turn (spark_jobs/standby.py).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestration.backlog import FlightRecord

STANDBY_AFTER = timedelta(seconds=30)
"""A run that is over sooner was for a burst, and would not be followed on."""

MAX_STANDBYS = 5
"""How many are started for one run, where they die while they wait."""


def run_to_follow(in_flight: Sequence[FlightRecord], now: datetime) -> str | None:
    """The id of the run that a new one should stand by for; None where none should."""
    if len(in_flight) != 1:
        return None
    [run] = in_flight
    is_long_at_it = run.started_at is not None and now - run.started_at >= STANDBY_AFTER
    return run.run_id if is_long_at_it else None


def standby_run_key(run_id: str, already_started: int) -> str | None:
    """The key of the run that stands by for `run_id`; None where enough have been tried."""
    return f"{run_id}/standby-{already_started + 1}" if already_started < MAX_STANDBYS else None
