"""A micro-batch on its way to a sink: where it lies in the topic, and what is in it.

Belongs here: the batch, its offsets, and what the sink already knew of it. Does not belong here: how a sink takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.streaming.tally import BatchTally


@dataclass(frozen=True, slots=True)
class Interval:
    """The offsets of one micro-batch, by partition: from `start` up to but not including `end`."""

    start: dict[int, int]
    end: dict[int, int]

    def lengths(self) -> dict[int, int]:
        """Records per partition that the interval should hold."""
        return {partition: end - self.start[partition] for partition, end in self.end.items()}


@dataclass(frozen=True, slots=True)
class AlreadyPublished:
    """What the warehouse knew of a batch before it was published.

    `retracted` are records that the stream took for new and that are not: their payment is published already, or was
    erased; as (partition, currency, minor units). `corrected` of them leave a correction. `erased` counts the records
    of any disposition whose id was erased. All holds only as long as the two counts are those of the control row; where
    one is 0, nothing was ever corrected, or erased.
    """

    correction_count: int
    retracted: tuple[tuple[int, str, int], ...] = ()
    erasure_count: int = 0
    corrected: int = 0
    erased: int = 0

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "AlreadyPublished":
        """From the rows of `already_published_sql`, of which there is at least one."""
        found = [row for row in rows if row["kafka_partition"] is not None]
        is_new = [row for row in found if row["disposition"] == "UNIQUE"]
        return cls(
            rows[0]["correction_count"],
            tuple((row["kafka_partition"], row["currency"], row["amount_minor"]) for row in is_new),
            rows[0]["erasure_count"],
            sum(not row["is_erased"] for row in found),
            sum(row["is_erased"] for row in found),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """All that the warehouse is told of one micro-batch."""

    spark_batch_id: int
    interval: Interval
    tally: BatchTally
    started_at: datetime
    process_seconds: float
    erased: int = 0
    """Records whose id was erased before: known once the warehouse was asked."""


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
