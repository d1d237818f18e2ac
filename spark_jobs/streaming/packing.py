"""Many records as one: the form in which a micro-batch crosses from Kafka's partitions to the state's buckets.

Belongs here: bucketing, packing, unpacking. Does not belong here: what the columns mean, where packs lie
(shuffle_files). A shuffle, a JVM and a Python worker all cost per row; a row that stands for an Arrow table of
thousands of records makes that cost vanish.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.deduplication.state import NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class PackedRecords:
    """Records by bucket: `tables` has one for every bucket, in the order of `labels_of`; empty where nothing fell in.

    `max_event_time` is that of all the records packed together, whatever their bucket: every bucket must learn it.
    """

    tables: tuple[pa.Table, ...]
    max_event_time: int


def pack(records: pa.Table, bucket: npt.NDArray[np.int32], buckets: int, max_event_time: int | None) -> PackedRecords:
    """The records by bucket, in order; `max_event_time` is None where none of them has a valid one."""
    order = np.argsort(bucket, kind="stable")
    sorted_records = records.take(pa.array(order))
    ends = np.searchsorted(bucket[order], np.arange(buckets), side="right").tolist()
    starts = [0, *ends[:-1]]
    return PackedRecords(
        tables=tuple(sorted_records.slice(a, b - a) for a, b in zip(starts, ends, strict=True)),
        max_event_time=NOTHING_SEEN if max_event_time is None else max_event_time,
    )


def write(records: pa.Table, sink: pa.NativeFile) -> None:
    """Write the records of one bucket as `unpack` reads them."""
    with pa.ipc.new_stream(sink, records.schema) as writer:
        writer.write_table(records)


def unpack(payloads: Iterable[bytes | pa.Buffer]) -> pa.Table:
    """The records of several writes of one bucket, in order. They stay where the payloads are."""
    return pa.concat_tables([pa.ipc.open_stream(payload).read_all() for payload in payloads])
