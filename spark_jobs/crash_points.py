"""Named points between two durable effects, at which a test can kill the process as `kill -9` would.

Belongs here: the names and the one function. Free when off: a comparison with an empty string.
PAYMENTS_CRASH_AT=<point>:<n>:<signal> sends the process a signal the n-th time that it comes to the point: KILL, or
STOP for one that sleeps until it is woken. Workers inherit it.
"""

import os
import signal
from enum import StrEnum
from itertools import count

VARIABLE = "PAYMENTS_CRASH_AT"


class Point(StrEnum):
    """Where a run can die, in the order in which a batch comes to them."""

    EPOCH_RAISED = "epoch_raised"
    GENERATION_STARTED = "generation_started"
    STATE_SEEDED = "state_seeded"
    OFFSETS_WRITTEN = "offsets_written"
    SEGMENT_WRITTEN = "segment_written"
    PARQUET_STAGED = "parquet_staged"
    STATE_COMMITTED = "state_committed"
    LOAD_ACCEPTED = "load_accepted"
    LOAD_DONE = "load_done"
    COMMIT_SENT = "commit_sent"
    COMMIT_ANSWERED = "commit_answered"
    LEDGER_SEEN = "ledger_seen"
    STAGING_DROPPED = "staging_dropped"
    DELTA_BEGUN = "delta_begun"
    DELTA_WRITTEN = "delta_written"
    DAYS_KEPT = "days_kept"
    FILES_REMOVED = "files_removed"
    DECISION_COMMITTED = "decision_committed"
    CHECKPOINT_COMMITTED = "checkpoint_committed"


_visits = {point: count(1) for point in Point}


def crash_point(point: Point) -> None:
    """Die here, if PAYMENTS_CRASH_AT says so."""
    wanted, _, how = os.environ.get(VARIABLE, "").partition(":")
    if wanted == point:
        visit, _, name = how.partition(":")
        if next(_visits[point]) == int(visit or 1):
            os.kill(os.getpid(), signal.Signals[f"SIG{name or 'KILL'}"])
