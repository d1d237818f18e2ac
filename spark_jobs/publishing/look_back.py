"""Which published payments a store has to search for a batch's new ids.

Belongs here: the days to search, worked out from what the stream's state knows. Does not belong here: searching them
(sinks).

The state keeps the ids of the days before the watermark in files of its own (deduplication.state). Where it has them
all, and none is among the batch's new ids, nothing is to be searched.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from spark_jobs.contract.times import from_microseconds, to_microseconds
from spark_jobs.streaming.tally import BatchTally

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Searched(NamedTuple):
    """Payments made from `since` up to but not including `until`."""

    since: datetime
    until: datetime


def searched_in(tally: BatchTally, watermark: datetime | None, lookback_days: int) -> Searched | None:
    """The times whose payments are to be searched; None where none are.

    That is what the state does not know of the `lookback_days` before the watermark, such as right after a checkpoint
    was made anew; and the days on which it knows one of the batch's new ids.
    """
    if watermark is None:
        return None
    first = watermark - timedelta(days=lookback_days)
    spans = [Searched(max(first, _begin_of(day)), min(watermark, _begin_of(day + 1))) for day in tally.days_to_ask]
    if tally.complete_since is None:
        spans.append(Searched(first, watermark))
    # A state that is complete has no beginning: before all moments, and no datetime.
    elif tally.complete_since > (to_microseconds(first) or 0):
        spans.append(Searched(first, min(watermark, from_microseconds(tally.complete_since) or watermark)))
    spans = [span for span in spans if span.since < span.until]
    if not spans:
        return None
    return Searched(min(span.since for span in spans), max(span.until for span in spans))


def _begin_of(day: int) -> datetime:
    return _1970 + timedelta(days=day)
