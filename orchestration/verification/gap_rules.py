"""What the broker lost unread and somebody has accepted as lost: where it lies, and where reading goes on behind it.

Belongs here: judging and showing the rows of accepted_gaps; pure. Does not belong here: accepting a loss
(spark_jobs.corrections, cli.decisions).
"""

from collections.abc import Mapping, Sequence
from typing import Any

GAP_COLUMNS = ("partition", "first offset", "last offset", "records", "accepted by", "accepted at", "reason")


def behind_gaps(ends: Mapping[int, int], gaps: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """Where reading goes on, by partition: behind the accepted gaps, one after the other, that begin where it ended."""
    starts = dict(ends)
    for gap in sorted(gaps, key=lambda row: row["start_offset"]):
        if starts.get(gap["kafka_partition"]) == gap["start_offset"]:
            starts[gap["kafka_partition"]] = gap["end_offset"]
    return starts


def gap_cells(gap: Mapping[str, Any]) -> list[object]:
    """One gap as a row of the table that people read."""
    partition, start, end = gap["kafka_partition"], gap["start_offset"], gap["end_offset"]
    accepted_at = f"{gap['accepted_at']:%Y-%m-%d %H:%M:%SZ}"
    return [partition, start, end - 1, end - start, gap["accepted_by"], accepted_at, gap["reason"]]
