"""What a bucket tells the driver about the records that it staged, and how the buckets' tallies become the batch's.

Belongs here: counting and adding up, in whole numbers. Does not belong here: writing files (staged_files), publishing.
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
from spark_jobs.deduplication.id_keys import KEYS_FORMAT
from spark_jobs.deduplication.slots import Slot
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.streaming.kept_days import KeptDays

_NO_PAYMENT = pa.array([Disposition.QUARANTINED.value, Disposition.IGNORED.value])
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


class PartitionEnd(msgspec.Struct, frozen=True, array_like=True):
    """Of one partition the record with the greatest offset, and how far its valid event times have come.

    `sha256` is that of the record's value, hexadecimal; `max_event_time` is NOTHING_SEEN where no record is valid.
    """

    partition: int
    offset: int
    sha256: str
    max_event_time: int


class BucketTally(msgspec.Struct, frozen=True):
    """One bucket's account of what it staged.

    Times are microseconds since 1970; `watermark` is None before the first valid payment; `timestamp_percentiles` are
    those of the Kafka timestamps, 0 to 100; `shuffle_files` are the files that its records came in; `ignored_by_rule`
    counts the IGNORED records; `log_days` are the days since 1970 that its Kafka timestamps fall on, `payment_days`
    those of the event times of the UNIQUE ones. `complete_since` and `days_to_ask` are as in BatchTally.
    `days` are those of the look-back after the batch, complete from `days_since` up to `days_until`.
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
    shuffle_files: tuple[str, ...] = ()
    ignored_by_rule: dict[str, int] = {}
    ends: tuple[PartitionEnd, ...] = ()
    log_days: tuple[int, ...] = ()
    payment_days: tuple[int, ...] = ()
    complete_since: int | None = None
    days_to_ask: tuple[int, ...] = ()
    days: tuple[Slot, ...] = ()
    days_since: int | None = None
    days_until: int = NOTHING_SEEN


@dataclass(frozen=True)
class BatchTally:
    """The tallies of all buckets, added up."""

    uris: tuple[str, ...] = ()
    partition_counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    amounts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    timestamps: tuple[tuple[int, tuple[int, ...]], ...] = ()
    watermarks: frozenset[int | None] = frozenset()
    max_event_time: int = NOTHING_SEEN
    state_keys: int = 0
    state_bytes: int = 0
    shuffle_files: tuple[str, ...] = ()
    ignored_by_rule: Counter[str] = field(default_factory=Counter)
    last_records: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Offset and the SHA-256 of the value, by partition."""
    newest: dict[int, int] = field(default_factory=dict)
    """The greatest valid event time of the batch's records, by partition."""
    log_days: tuple[int, ...] = ()
    """Days since 1970 that Kafka timestamps fall on, in order."""
    payment_days: tuple[int, ...] = ()
    """Days since 1970 that event times of what is UNIQUE fall on, in order."""
    complete_since: int | None = None
    """Since when every bucket knows all published ids, microseconds since 1970; None where one does not know."""
    days_to_ask: tuple[int, ...] = ()
    """Days since 1970, in order, on which ids of what is UNIQUE may have been published."""
    kept: KeptDays | None = None
    """The look-back's ids after the batch; None where a bucket does not know."""

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


def count_ignored(tagged: pa.Table) -> dict[str, int]:
    """IGNORED records by the rule of the mapping that says so."""
    ignored = tagged.filter(pc.equal(tagged["disposition"], Disposition.IGNORED.value))
    counted = pc.value_counts(pc.list_flatten(ignored["reasons"]))
    return {row["values"]: row["counts"] for row in counted.to_pylist()}


def log_days_of(tagged: pa.Table) -> tuple[int, ...]:
    """Days since 1970 that the Kafka timestamps fall on."""
    return _days(tagged["kafka_timestamp"])


def payment_days_of(tagged: pa.Table) -> tuple[int, ...]:
    """Days since 1970 that the event times of what is UNIQUE fall on."""
    # The one column: a filtered table would be a copy of every value of the bucket.
    return _days(tagged["event_time"].filter(pc.equal(tagged["disposition"], Disposition.UNIQUE.value)))


def _days(times: pa.ChunkedArray) -> tuple[int, ...]:
    return tuple(pc.unique(times.cast(pa.date32(), safe=False).cast(pa.int32())).to_pylist())


def ends_of(tagged: pa.Table) -> tuple[PartitionEnd, ...]:
    """Each partition's end in staged records (staging.STAGED_SCHEMA)."""
    partitions, offsets = tagged["kafka_partition"].to_numpy(), tagged["kafka_offset"].to_numpy()
    is_valid = pc.invert(pc.is_in(tagged["disposition"], value_set=_NO_PAYMENT))
    times = pc.if_else(is_valid, tagged["event_time"].cast(pa.int64()), NOTHING_SEEN).to_numpy()
    found = []
    for partition in np.unique(partitions).tolist():
        here = np.flatnonzero(partitions == partition)
        last = int(here[np.argmax(offsets[here])])
        sha256 = tagged["value_sha256"][last].as_py().hex()
        found.append(PartitionEnd(partition, int(offsets[last]), sha256, int(times[here].max())))
    return tuple(found)


def encode(bucket_tally: BucketTally) -> bytes:
    """A bucket_tally as bytes, for its way from the executor to the driver."""
    return msgspec.json.encode(bucket_tally)


def decode(encoded: bytes) -> BucketTally:
    """The bucket_tally that `encode` wrote."""
    return msgspec.json.decode(encoded, type=BucketTally)


def add_up(tallies: Iterable[BucketTally]) -> BatchTally:
    """The whole batch's tally."""
    tallies = list(tallies)
    counts: Counter[tuple[int, str]] = Counter()
    amounts: dict[tuple[str, str], tuple[int, int]] = {}
    for bucket_tally in tallies:
        for part in bucket_tally.partitions:
            counts[part.partition, part.disposition] += part.count
        for amount in bucket_tally.amounts:
            count, minor = amounts.get((amount.disposition, amount.currency), (0, 0))
            amounts[amount.disposition, amount.currency] = (count + amount.count, minor + amount.minor)
    ignored: Counter[str] = Counter()
    for bucket_tally in tallies:
        ignored.update(bucket_tally.ignored_by_rule)
    return BatchTally(
        uris=tuple(bucket_tally.uri for bucket_tally in tallies if bucket_tally.uri),
        partition_counts=counts,
        amounts=amounts,
        timestamps=tuple((r.rows, r.timestamp_percentiles) for r in tallies if r.rows),
        watermarks=frozenset(bucket_tally.watermark for bucket_tally in tallies),
        max_event_time=max((bucket_tally.max_event_time for bucket_tally in tallies), default=NOTHING_SEEN),
        state_keys=sum(bucket_tally.state_keys for bucket_tally in tallies),
        state_bytes=sum(bucket_tally.state_bytes for bucket_tally in tallies),
        shuffle_files=tuple({uri for bucket_tally in tallies for uri in bucket_tally.shuffle_files}),
        ignored_by_rule=ignored,
        newest=_newest(tallies),
        log_days=tuple(sorted({day for bucket_tally in tallies for day in bucket_tally.log_days})),
        payment_days=tuple(sorted({day for bucket_tally in tallies for day in bucket_tally.payment_days})),
        complete_since=_latest([bucket_tally.complete_since for bucket_tally in tallies]),
        kept=_kept(tallies),
        days_to_ask=tuple(sorted({day for bucket_tally in tallies for day in bucket_tally.days_to_ask})),
        last_records={end.partition: (end.offset, end.sha256) for end in sorted(_ends(tallies), key=_by_offset)},
    )


def _latest(moments: list[int | None]) -> int | None:
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def _kept(tallies: list[BucketTally]) -> KeptDays | None:
    since = _latest([bucket_tally.days_since for bucket_tally in tallies])
    if since is None:
        return None
    until = min(bucket_tally.days_until for bucket_tally in tallies)
    days = {bucket_tally.bucket: bucket_tally.days for bucket_tally in tallies}
    return KeptDays(KEYS_FORMAT, len(tallies), since, until, days)


def _ends(tallies: list[BucketTally]) -> list[PartitionEnd]:
    return [end for bucket_tally in tallies for end in bucket_tally.ends]


def _newest(tallies: list[BucketTally]) -> dict[int, int]:
    newest: dict[int, int] = {}
    for end in _ends(tallies):
        newest[end.partition] = max(end.max_event_time, newest.get(end.partition, NOTHING_SEEN))
    return newest


def _by_offset(end: PartitionEnd) -> int:
    return end.offset


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
