"""Many records as one: the form in which a micro-batch crosses from Kafka's partitions to the state's buckets.

Belongs here: bucketing, packing, unpacking. Does not belong here: what the columns mean, where packs lie (parcels.py).
A shuffle, a JVM and a Python worker all cost per row; a row that stands for an Arrow table of thousands of records
makes that cost vanish.
"""

import functools
from collections.abc import Buffer, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.deduplication.state import NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class Packed:
    """Records by bucket: `tables` has one for every bucket, in the order of `labels_of`; empty where nothing fell in.

    `max_event_time` is that of all the records packed together, whatever their bucket: every bucket must learn it.
    """

    tables: tuple[pa.Table, ...]
    max_event_time: int


def buckets_of(id_hashes: Buffer, is_valid: npt.NDArray[np.bool_], buckets: int) -> npt.NDArray[np.int32]:
    """The bucket of each record: by its id where it is valid; by its place in the batch where it has no id to trust.

    Args:
        id_hashes: 16 bytes a record, concatenated. The last four choose the bucket: dedup_state uses the others.
        is_valid: one flag a record.
        buckets: how many there are.
    """
    last_words = np.frombuffer(id_hashes, "<u4").reshape(-1, 4)[:, 3]
    by_id = (last_words % buckets).astype(np.int32)
    return np.where(is_valid, by_id, np.arange(len(is_valid), dtype=np.int32) % buckets)


def pack(records: pa.Table, bucket: npt.NDArray[np.int32], buckets: int, max_event_time: int | None) -> Packed:
    """The records by bucket, in order; `max_event_time` is None where none of them has a valid one."""
    order = np.argsort(bucket, kind="stable")
    sorted_records = records.take(pa.array(order))
    ends = np.searchsorted(bucket[order], np.arange(buckets), side="right").tolist()
    starts = [0, *ends[:-1]]
    return Packed(
        tables=tuple(sorted_records.slice(a, b - a) for a, b in zip(starts, ends, strict=True)),
        max_event_time=NOTHING_SEEN if max_event_time is None else max_event_time,
    )


@functools.cache
def labels_of(buckets: int) -> tuple[int, ...]:
    """A label for each bucket such that Spark's hash partitioning puts each into a partition of its own.

    Spark places an int key in partition pmod(murmur3(key), partitions); 0, 1, 2 ... would share partitions.
    """
    labels: dict[int, int] = {}
    candidate = 0
    while len(labels) < buckets:
        labels.setdefault(_spark_hash(candidate) % buckets, candidate)
        candidate += 1
    return tuple(labels[partition] for partition in range(buckets))


def _spark_hash(value: int) -> int:
    """Spark SQL's hash() of one int: Murmur3 x86 32-bit with seed 42, as a signed number."""
    mask = 0xFFFFFFFF
    word = value * 0xCC9E2D51 & mask
    word = (word << 15 | word >> 17) & mask
    mixed = 42 ^ (word * 0x1B873593 & mask)
    mixed = (mixed << 13 | mixed >> 19) & mask
    mixed = (mixed * 5 + 0xE6546B64 & mask) ^ 4
    mixed = (mixed ^ mixed >> 16) * 0x85EBCA6B & mask
    mixed = (mixed ^ mixed >> 13) * 0xC2B2AE35 & mask
    mixed ^= mixed >> 16
    return mixed - (1 << 32) if mixed >> 31 else mixed


def write(records: pa.Table, sink: pa.NativeFile) -> None:
    """Write the records of one bucket as `unpack` reads them."""
    with pa.ipc.new_stream(sink, records.schema) as writer:
        writer.write_table(records)


def unpack(payloads: Iterable[bytes | pa.Buffer]) -> pa.Table:
    """The records of several writes of one bucket, in order. They stay where the payloads are."""
    return pa.concat_tables([pa.ipc.open_stream(payload).read_all() for payload in payloads])
