"""Offsets of a batch that have no record: found in the log by a second reader, never taken from what the first missed.

Belongs here: holding the log against what was read. Does not belong here: reading the log (log_batches), what becomes
of a batch whose offsets are not all accounted for (publishing).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.log.log_batches import Counted

CLEANUP_POLICY = "cleanup.policy"
COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Span:
    """A partition's part of a batch: its offsets, and how many records were read of them."""

    start: int
    end: int
    read: int

    @property
    def unread(self) -> int:
        """Offsets of which no record came; below 0 where more came than there are."""
        return self.end - self.start - self.read


def holes_in(partition: int, span: Span, counted: Counted, cleanup_policy: str | None) -> int:
    """How many offsets of the span have no record for certain.

    Where that is not what is lacking of the records read, the batch is not whole: it is refused when it is published.

    Args:
        partition: of the topic.
        span: what was read.
        counted: what lies there.
        cleanup_policy: the topic's; None where the broker does not tell.

    Raises:
        Incident: OFFSET_GAP, where offsets have no record and nothing explains it.
    """
    is_compacted = cleanup_policy is not None and COMPACT in cleanup_policy
    if counted.missing and not is_compacted:
        known = f"its cleanup.policy is {cleanup_policy}" if cleanup_policy else "its cleanup.policy cannot be read"
        todo = "look for a lost segment" if cleanup_policy else "grant DescribeConfigs on the topic"
        raise Incident(
            IncidentKind.OFFSET_GAP,
            f"partition {partition} has no record at {counted.missing} of the offsets {span.start} to {span.end - 1}: "
            f"neither markers nor aborted records, and {known}; {todo}.",
            {partition: (span.start, span.end)},
        )
    if is_compacted and counted.records < span.read:
        # Compaction took records out after they were read.
        return span.unread
    return span.end - span.start - counted.records


def spans_with_gaps(lengths: Mapping[int, tuple[int, int]], read: Mapping[int, int]) -> dict[int, Span]:
    """Of ranges of offsets by partition those of which fewer records were read than they have offsets."""
    spans = {partition: Span(start, end, read.get(partition, 0)) for partition, (start, end) in lengths.items()}
    return {partition: span for partition, span in spans.items() if span.unread > 0}
