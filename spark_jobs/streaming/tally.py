"""What a bucket tells the driver about the records that it staged, and how the buckets' receipts become the batch's.

Belongs here: counting and adding up, in whole numbers. Does not belong here: writing files (staging.py), publishing.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.deduplication.state import NOTHING_SEEN

_PERCENTILES = np.linspace(0, 100, 101)


class PartitionCount(msgspec.Struct, frozen=True, array_like=True):
    """Records of one partition with one disposition."""

    partition: int
    disposition: str
    count: int
    min_offset: int
    max_offset: int


class Amount(msgspec.Struct, frozen=True, array_like=True):
    """Money of one disposition in one currency (empty where none could be read). `minor` is in minor units."""

    disposition: str
    currency: str
    count: int
    minor: int


class Receipt(msgspec.Struct, frozen=True):
    """One bucket's account of what it staged.

    Times are microseconds since 1970; `watermark` is None before the first valid payment; `timestamp_percentiles` are
    those of the Kafka timestamps, 0 to 100; `parcels` are the files that its records came in.
    """

    bucket: int
    uri: str | None
    rows: int
    partitions: tuple[PartitionCount, ...]
    amounts: tuple[Amount, ...]
    timestamp_percentiles: tuple[int, ...]
    watermark: int | None
    max_event_time: int
    state_keys: int
    state_bytes: int
    parcels: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchTally:
    """The receipts of all buckets, added up."""

    uris: tuple[str, ...] = ()
    partition_counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    amounts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    timestamps: tuple[tuple[int, tuple[int, ...]], ...] = ()
    watermarks: frozenset[int | None] = frozenset()
    max_event_time: int = NOTHING_SEEN
    state_keys: int = 0
    state_bytes: int = 0
    parcels: tuple[str, ...] = ()

    @property
    def delivered(self) -> int:
        """All records of the batch."""
        return self.partition_counts.total()

    def count(self, disposition: Disposition, partition: int | None = None) -> int:
        """Records with a disposition, of one partition or of all."""
        return sum(
            count
            for (at, name), count in self.partition_counts.items()
            if name == disposition and partition in (None, at)
        )

    def delivered_in(self, partition: int) -> int:
        """Records of one partition."""
        return sum(count for (at, _), count in self.partition_counts.items() if at == partition)

    def kafka_timestamp_percentile(self, percentile: int) -> int | None:
        """A percentile of the Kafka timestamps, microseconds: exact within a bucket, to a hundredth across buckets."""
        if not self.timestamps:
            return None
        values = np.concatenate([percentiles for _, percentiles in self.timestamps])
        weights = np.concatenate([np.full(len(p), rows / len(p)) for rows, p in self.timestamps])
        order = np.argsort(values)
        share = np.cumsum(weights[order]) / weights.sum()
        return int(values[order][min(int(np.searchsorted(share, percentile / 100)), len(values) - 1)])


def count_up(tagged: pa.Table) -> tuple[tuple[PartitionCount, ...], tuple[Amount, ...], tuple[int, ...]]:
    """Counts, money and timestamp percentiles of staged records (staging.STAGED_SCHEMA)."""
    if not tagged.num_rows:
        return (), (), ()
    by_partition = tagged.group_by(["kafka_partition", "disposition"]).aggregate(
        [("kafka_offset", "count"), ("kafka_offset", "min"), ("kafka_offset", "max")]
    )
    money = pa.table(
        {
            "disposition": tagged["disposition"],
            "currency": pc.fill_null(tagged["currency"], ""),
            # Sums outgrow 64 bits long before they outgrow a decimal.
            "minor": pc.fill_null(tagged["amount_minor"], 0).cast(pa.decimal128(38, 0)),
        }
    )
    by_currency = money.group_by(["disposition", "currency"]).aggregate([("minor", "count"), ("minor", "sum")])
    timestamps = tagged["kafka_timestamp"].cast(pa.int64()).to_numpy()
    return (
        tuple(PartitionCount(*row) for row in _rows(by_partition)),
        tuple(Amount(d, c, n, int(total)) for d, c, n, total in _rows(by_currency)),
        tuple(int(value) for value in np.percentile(timestamps, _PERCENTILES, method="nearest")),
    )


def encode(receipt: Receipt) -> bytes:
    """A receipt as bytes, for its way from the executor to the driver."""
    return msgspec.json.encode(receipt)


def decode(encoded: bytes) -> Receipt:
    """The receipt that `encode` wrote."""
    return msgspec.json.decode(encoded, type=Receipt)


def add_up(receipts: Iterable[Receipt]) -> BatchTally:
    """The whole batch's tally."""
    receipts = list(receipts)
    counts: Counter[tuple[int, str]] = Counter()
    amounts: dict[tuple[str, str], tuple[int, int]] = {}
    for receipt in receipts:
        for part in receipt.partitions:
            counts[part.partition, part.disposition] += part.count
        for amount in receipt.amounts:
            count, minor = amounts.get((amount.disposition, amount.currency), (0, 0))
            amounts[amount.disposition, amount.currency] = (count + amount.count, minor + amount.minor)
    return BatchTally(
        uris=tuple(receipt.uri for receipt in receipts if receipt.uri),
        partition_counts=counts,
        amounts=amounts,
        timestamps=tuple((r.rows, r.timestamp_percentiles) for r in receipts if r.rows),
        watermarks=frozenset(receipt.watermark for receipt in receipts),
        max_event_time=max((receipt.max_event_time for receipt in receipts), default=NOTHING_SEEN),
        state_keys=sum(receipt.state_keys for receipt in receipts),
        state_bytes=sum(receipt.state_bytes for receipt in receipts),
        parcels=tuple({uri for receipt in receipts for uri in receipt.parcels}),
    )


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
