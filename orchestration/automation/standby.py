"""Whether a second run should stand by, warm, to follow on the one at work however it ends: a pure decision.

Belongs here: the rule. Does not belong here: reading run records (run_records), emitting requests (sensors), waiting
for one's turn (spark_jobs.driver).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from orchestration.automation.backlog import FlightRecord

STANDBY_AFTER = timedelta(seconds=45)
"""How long a run is alone at work first: one that is over sooner was for a burst, and one that has just taken over has
its own first batches before it."""

STANDBY_AT_LAST = timedelta(minutes=3)
"""How long it is alone at most while builds follow one another."""

MAX_STANDBYS = 5
"""How many are started for one run, where they die while they wait."""


def run_to_follow(
    in_flight: Sequence[FlightRecord], last_ended_at: datetime | None, now: datetime, *, is_building: bool
) -> str | None:
    """The id of the run that a new one should stand by for; None where none should.

    Args:
        in_flight: runs that have not ended.
        last_ended_at: when the newest of the others ended; None where there was none.
        now: the time, with its zone.
        is_building: whether dbt's models are being built. To start a session is as much work: both at once would leave
            the run at work too little.
    """
    if len(in_flight) != 1 or in_flight[0].started_at is None:
        return None
    [run] = in_flight
    alone_since = max(filter(None, (run.started_at, last_ended_at)))
    return run.run_id if now - alone_since >= (STANDBY_AT_LAST if is_building else STANDBY_AFTER) else None


def standby_run_key(run_id: str, already_started: int) -> str | None:
    """The key of the run that stands by for `run_id`; None where enough have been tried."""
    return f"{run_id}/standby-{already_started + 1}" if already_started < MAX_STANDBYS else None
