"""What every sink asks of a micro-batch before it takes it, and tells of it after.

Belongs here: whether a batch follows on what is published, and its report. Does not belong here: publishing it
(sinks).
"""

from datetime import UTC, datetime

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.contract.times import from_microseconds, to_microseconds
from spark_jobs.incidents import CheckpointUnusable, Incident, IncidentKind
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.control import Control


def holds(control: Control, interval: Interval) -> bool:
    """Whether the batch that Spark replays is the newest that is published."""
    return all(control.end_offsets.get(partition, 0) == end for partition, end in interval.end.items())


def check_batch(batch: Batch, control: Control) -> None:
    """Make sure that a batch follows on what is published, and that each offset is a record or a hole.

    Raises:
        CheckpointUnusable: it does not.
        Incident: OFFSET_GAP.
    """
    ends = control.end_offsets
    if any(ends.get(partition, 0) != start for partition, start in batch.interval.start.items()):
        raise CheckpointUnusable(
            f"batch {batch.spark_batch_id} starts at {batch.interval.start}, but {ends} is published."
        )
    read = {partition: 0 for partition, _ in batch.tally.partition_counts}
    gaps = {
        partition: (length, batch.tally.delivered_in(partition), batch.holes.get(partition, 0))
        for partition, length in (read | batch.interval.lengths()).items()
        if batch.tally.delivered_in(partition) + batch.holes.get(partition, 0) != length
    }
    if gaps:
        raise Incident(
            IncidentKind.OFFSET_GAP,
            f"by partition, offsets spanned are not records read and offsets without a record: {gaps}; nothing of the "
            f"batch is published, and the next run reads it again.",
            {p: span for p, span in batch.interval.ranges().items() if p in gaps},
        )
    if batch.tally.watermarks != {to_microseconds(control.watermark)}:
        raise CheckpointUnusable(
            f"its state judged lateness by {sorted(map(str, batch.tally.watermarks))}, the store has "
            f"{to_microseconds(control.watermark)}."
        )


def report_of(batch: Batch, control: Control, load_seconds: float, transaction_seconds: float) -> BatchReport:
    """What is told of a published batch; `control` is as it was after it."""
    tally, now = batch.tally, datetime.now(UTC)
    return BatchReport(
        batch_id=control.last_batch_id,
        spark_batch_id=batch.spark_batch_id,
        generation=control.generation,
        epoch=control.epoch,
        start_offsets=batch.interval.start,
        end_offsets=batch.interval.end,
        delivered=tally.delivered,
        unique=tally.count(Disposition.UNIQUE),
        duplicate=tally.count(Disposition.DUPLICATE),
        late=tally.count(Disposition.LATE),
        quarantined=tally.count(Disposition.QUARANTINED),
        ignored=tally.count(Disposition.IGNORED),
        ignored_by_rule=tally.ignored_by_rule,
        watermark=from_microseconds(next(iter(tally.watermarks))),
        next_watermark=control.watermark,
        latency_p50_seconds=_seconds_since(tally.kafka_timestamp_percentile(50), now),
        latency_p95_seconds=_seconds_since(tally.kafka_timestamp_percentile(5), now),
        state_keys=tally.state_keys,
        state_bytes=tally.state_bytes,
        process_seconds=batch.process_seconds,
        load_seconds=load_seconds,
        transaction_seconds=transaction_seconds,
        published_at=now,
        erased=batch.erased,
        contract_version=batch.contract.version,
        watermark_minutes=batch.watermark_minutes,
        holes=sum(batch.holes.values()),
    )


def _seconds_since(timestamp: int | None, now: datetime) -> float:
    return 0.0 if timestamp is None else now.timestamp() - timestamp / 1e6
