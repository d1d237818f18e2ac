"""Many records in one row: the form in which a micro-batch crosses from Kafka's partitions to the state's buckets.

Belongs here: bucketing, packing, unpacking. Does not belong here: what the columns mean.
A shuffle, a JVM and a Python worker all cost per row; a row that holds an Arrow table of thousands of records makes that
cost vanish.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.dedup_state import NOTHING_SEEN

PACKED_SCHEMA = pa.schema(
    [
        pa.field("bucket", pa.int32()),
        pa.field("max_event_time", pa.int64()),
        pa.field("records", pa.binary()),
    ]
)
"""`max_event_time` is that of all the records packed together, whatever their bucket: every bucket must learn it."""


def buckets_of(id_hashes: bytes, is_valid: npt.NDArray[np.bool_], buckets: int) -> npt.NDArray[np.int32]:
    """The bucket of each record: by its id where it is valid; by its place in the batch where it has no id to trust.

    Args:
        id_hashes: 16 bytes a record, concatenated. The last four choose the bucket: dedup_state uses the others.
        is_valid: one flag a record.
        buckets: how many there are.
    """
    last_words = np.frombuffer(id_hashes, "<u4").reshape(-1, 4)[:, 3]
    by_id = (last_words % buckets).astype(np.int32)
    return np.where(is_valid, by_id, np.arange(len(is_valid), dtype=np.int32) % buckets)


def pack(records: pa.Table, bucket: npt.NDArray[np.int32], buckets: int, max_event_time: int | None) -> pa.RecordBatch:
    """PACKED_SCHEMA: one row for every bucket, an empty one where nothing fell into it."""
    order = np.argsort(bucket, kind="stable")
    sorted_records = records.take(pa.array(order))
    ends = np.searchsorted(bucket[order], np.arange(buckets), side="right").tolist()
    starts = [0, *ends[:-1]]
    payloads = [_to_bytes(sorted_records.slice(a, b - a)) for a, b in zip(starts, ends, strict=True)]
    newest = NOTHING_SEEN if max_event_time is None else max_event_time
    return pa.RecordBatch.from_arrays(
        [
            pa.array(range(buckets), pa.int32()),
            pa.array([newest] * buckets, pa.int64()),
            pa.array(payloads, pa.binary()),
        ],
        schema=PACKED_SCHEMA,
    )


def unpack(payloads: Iterator[bytes]) -> pa.Table:
    """The records of several packed rows of one bucket, in order."""
    return pa.concat_tables([pa.ipc.open_stream(payload).read_all() for payload in payloads]).combine_chunks()


def _to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()
