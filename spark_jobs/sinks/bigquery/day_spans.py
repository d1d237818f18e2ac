"""A batch that touches more days than one statement may write partitions: its inserts are cut by days.

Belongs here: BigQuery's limit, the cuts, an insert's text with them. Does not belong here: what is inserted
(publish_sql). The batch stays one transaction, and no record is held back for its day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from spark_jobs.publishing.batch import Batch

MOST_DAYS = 3_900
"""Partitions that one statement writes: BigQuery allows a job 4,000 of them, and a transaction 100,000."""

DECLARED = "declare inserted int64 default 0;\n    "
"""What a script begins with in which an insert is cut."""

type Span = tuple[date, date]
"""The first day and the last one, in UTC. No day follows 9999-12-31, so the end of a span is a day of its own."""


@dataclass(frozen=True, slots=True)
class DaySpans:
    """The cuts of a batch's two large inserts, by their tables' partitions. One span, or none, is no cut."""

    kafka_timestamps: tuple[Span, ...] = ()
    event_times: tuple[Span, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Whether an insert of the batch is."""
        return len(self.kafka_timestamps) > 1 or len(self.event_times) > 1


FEW_DAYS = DaySpans()


def spans_of(batch: Batch) -> DaySpans:
    """The cuts of a batch: nearly always none."""
    return DaySpans(_cut(batch.tally.log_days), _cut(batch.tally.payment_days))


def insert_by_days(insertion: str, by: tuple[str, tuple[Span, ...]], expected: tuple[str, str]) -> str:
    """An insert whose query ends in a condition, and the ASSERT of how many rows it wrote.

    Args:
        insertion: without its semicolon.
        by: the column of the days, and the cuts.
        expected: the number of rows, and what is said where it is another.
    """
    (column, spans), (count, stated) = by, expected
    if len(spans) < 2:
        return f"{insertion};\n    assert @@row_count = {count} as '{stated}';"
    within = (
        f"{column} >= timestamp '{first}' and {column} <= timestamp '{last} 23:59:59.999999'" for first, last in spans
    )
    parts = (f"{insertion}\n        and {days};\n    set inserted = inserted + @@row_count;" for days in within)
    return "\n    ".join(("set inserted = 0;", *parts, f"assert inserted = {count} as '{stated}';"))


def _cut(days: Sequence[int]) -> tuple[Span, ...]:
    """Spans that hold all of the days (since 1970, in order) and MOST_DAYS of them at most each."""
    parts = (days[start : start + MOST_DAYS] for start in range(0, len(days), MOST_DAYS))
    return tuple((_date(part[0]), _date(part[-1])) for part in parts)


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
