"""A micro-batch on its way to a sink: where it lies in the topic, and what is in it.

Belongs here: the batch, its offsets, and what the sink already knew of it. Does not belong here: how a sink takes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from spark_jobs.contract.payment_event import WATERMARK_DELAY, Disposition
from spark_jobs.contract.times import from_microseconds
from spark_jobs.deduplication.dispositions import watermark_of
from spark_jobs.reading.contracts import Contract, contract_of_now
from spark_jobs.streaming.tally import BatchTally


@dataclass(frozen=True, slots=True)
class Interval:
    """The offsets of one micro-batch, by partition: from `start` up to but not including `end`."""

    start: dict[int, int]
    end: dict[int, int]

    def ranges(self) -> dict[int, tuple[int, int]]:
        """First offset and the one after the last, by partition."""
        return {partition: (self.start[partition], end) for partition, end in self.end.items()}

    def lengths(self) -> dict[int, int]:
        """Offsets per partition: each holds a record, or is a hole."""
        return {partition: end - start for partition, (start, end) in self.ranges().items()}


@dataclass(frozen=True, slots=True)
class AlreadyPublished:
    """What a store knew of a batch's records, and the stream did not.

    `retracted` are the records that the stream tagged UNIQUE and that are not: their payment was published by an
    earlier batch, or its id was erased. Each is (partition, currency, minor units). `erased` counts the records, of any
    disposition, whose id was erased; a store without erasures leaves it at 0.
    """

    retracted: tuple[tuple[int, str, int], ...] = ()
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """All that a store is told of one micro-batch.

    `spark_batch_id` is Spark's number within the checkpoint: the same batch as long as
    checkpoint and epoch are the same, so that a sink may name its jobs by the three. The store numbers batches itself.
    `interval` is what the batch spans, `tally` what is in it: its staged files by URI, counts, money in minor units,
    times in microseconds since 1970. `started_at` is UTC; `process_seconds` is what came before the store was asked.
    `watermark_minutes` is how far the watermark trails the greatest event_time; `contract` judged its records.
    """

    spark_batch_id: int
    interval: Interval
    tally: BatchTally
    started_at: datetime
    process_seconds: float
    watermark_minutes: int = WATERMARK_DELAY // timedelta(minutes=1)
    contract: Contract = field(default_factory=contract_of_now)
    erased: int = 0
    """Records whose id was erased before: known once the store was asked."""
    holes: Mapping[int, int] = field(default_factory=dict)
    """Offsets without a record, by partition: as many as the source is certain of (source.log.holes)."""
    judged_at: datetime | None = None
    """The batch's clock: what a record says of the future was held against it where its sender set the timestamp."""

    @property
    def next_watermark(self) -> datetime | None:
        """The watermark that the next batch carries in."""
        return from_microseconds(watermark_of(self.tally.max_event_time, self.watermark_minutes * 60_000_000))


def retract(batch: Batch, known: AlreadyPublished) -> Batch:
    """The batch with its counts and money as they are once what was known has become a DUPLICATE."""
    counts, amounts = batch.tally.partition_counts.copy(), dict(batch.tally.amounts)
    for partition, currency, minor in known.retracted:
        for disposition, sign in ((Disposition.UNIQUE, -1), (Disposition.DUPLICATE, 1)):
            counts[partition, disposition] += sign
            count, total = amounts.get((disposition, currency), (0, 0))
            amounts[disposition, currency] = (count + sign, total + sign * minor)
    amounts = {key: amount for key, amount in amounts.items() if amount[0]}
    return replace(batch, tally=replace(batch.tally, partition_counts=counts, amounts=amounts), erased=known.erased)
