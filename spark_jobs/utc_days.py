"""Days of UTC, by which tables are partitioned, sealed and kept. Pure.

Belongs here: where a day begins. Does not belong here: which days are over (sealing), which are kept (retention).
"""

from datetime import UTC, date, datetime, time


def beginning_of(day: date) -> datetime:
    """A day's first moment."""
    return datetime.combine(day, time(), UTC)
