"""The streaming plan: Kafka's records in, one bucket_tally per state bucket and micro-batch out.

Belongs here: the order of the steps and how they cross from Spark to Python. Does not belong here: what a step decides
(reading, deduplication), reading Kafka (source), publishing.
"""

import functools
import gc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS, Disposition
from spark_jobs.crash_points import Point, crash_point
from spark_jobs.deduplication.buckets import buckets_of, labels_of
from spark_jobs.deduplication.checksums import Damaged
from spark_jobs.deduplication.dispositions import DISPOSITIONS, Candidates, max_event_time_of, tag, watermark_of
from spark_jobs.deduplication.id_keys import keys_of
from spark_jobs.deduplication.segment_files import BucketSegments
from spark_jobs.deduplication.state import NOTHING_SEEN, DedupState
from spark_jobs.reading.contracts import mapping_of
from spark_jobs.reading.records import CLOCK, KAFKA_COLUMNS, NO_RECORDS, read_records
from spark_jobs.streaming import packing, shuffle_files, staged_files, tally
from spark_jobs.streaming.carried import read_carried
from spark_jobs.streaming.locations import Locations
from spark_jobs.streaming.state_seeds import read_seed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming.state import GroupState

RECEIPT_SCHEMA = "bucket int, bucket_tally binary"

GATHERED_RECORDS = 50_000
"""Judging a table costs several milliseconds, however few its rows."""
GATHERED_BYTES = 64 << 20


def tallies_of(
    records: "DataFrame",
    locations: Locations,
    buckets: int,
    *,
    delay: int = WATERMARK_MICROSECONDS,
    lookback: int = 0,
    lists: CodeLists | None = None,
    mapping: str | None = None,
) -> "DataFrame":
    """KAFKA_COLUMNS, with or without CLOCK, to RECEIPT_SCHEMA. Evaluating the result stages the batch's files.

    `delay` is how far the watermark trails the greatest event_time, and `lookback` for how long before the watermark
    the state says which days have an id, both in microseconds; `lists` are the codes that records
    are held against, by default those of now. `mapping` is the mapping as JSON: it travels with the plan, as a worker
    may be where its file is not.
    """
    # One task, one state store and one staged file per bucket; fixed by a checkpoint's first batch.
    records.sparkSession.conf.set("spark.sql.shuffle.partitions", str(buckets))
    return (
        records.select(*KAFKA_COLUMNS, *(name for name in records.columns if name == CLOCK))
        .mapInArrow(
            partial(_parse_and_pack, buckets=buckets, location=locations.staging, lists=lists, mapping=mapping),
            shuffle_files.REFERENCE_SCHEMA,
        )
        # In any case, also of one task to one task: what is packed may be read only once it is written.
        .repartition(buckets, "bucket")
        .groupBy("bucket")
        .applyInPandasWithState(
            _tag_and_stage(locations, buckets, delay, lookback),
            outputStructType=RECEIPT_SCHEMA,
            stateStructType="state binary",
            outputMode="append",
            timeoutConf="NoTimeout",
        )
    )


def _parse_and_pack(
    batches: Iterable[pa.RecordBatch],
    *,
    buckets: int,
    location: str,
    lists: CodeLists | None = None,
    mapping: str | None = None,
) -> Iterator[pa.RecordBatch]:
    _keep_modules_out_of_collections()
    yield from shuffle_files.park((pack_records(batch, buckets, lists, mapping) for batch in gather(batches)), location)


def gather(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same records in fewer batches, of GATHERED_RECORDS or GATHERED_BYTES at least; one without any.

    Where all offsets of a batch are holes each bucket is asked all the same: how far its state is, it alone can tell.
    """
    waiting: list[pa.RecordBatch] = []
    records = size = total = 0
    for batch in batches:
        waiting.append(batch)
        records += batch.num_rows
        size += batch.nbytes
        total += batch.num_rows
        if records >= GATHERED_RECORDS or size >= GATHERED_BYTES:
            yield pa.concat_batches(waiting)
            waiting, records, size = [], 0, 0
    if records or not total:
        yield pa.concat_batches(waiting) if records else NO_RECORDS


@functools.cache
def _keep_modules_out_of_collections() -> None:
    """Once per worker. Spark collects garbage after each task: all that was imported would be walked each time."""
    gc.freeze()


def pack_records(
    batch: pa.RecordBatch, buckets: int, lists: CodeLists | None = None, mapping: str | None = None
) -> packing.PackedRecords:
    """The records of KAFKA_COLUMNS, judged and by bucket."""
    records = read_records(batch, lists, None if mapping is None else mapping_of(mapping))
    is_valid = _is_valid(records)
    newest = pc.max(pc.if_else(pa.array(is_valid), records["event_time"], None)).cast(pa.int64()).as_py()
    bucket = buckets_of(_concatenated(records["id_hash"]), is_valid, buckets)
    return packing.pack(records, bucket, buckets, newest)


def _tag_and_stage(
    locations: Locations, buckets: int, delay: int, lookback: int
) -> Callable[[Any, Iterable[pd.DataFrame], "GroupState"], Iterator[pd.DataFrame]]:
    def function(key: Any, frames: Iterable[pd.DataFrame], state: "GroupState") -> Iterator[pd.DataFrame]:
        _keep_modules_out_of_collections()
        rows = pd.concat(frames, ignore_index=True)
        bucket = int(key[0])
        _check_place(bucket, buckets)
        before = DedupState.decode(state.get[0]) if state.exists else read_seed(locations.seed(bucket))
        payloads = shuffle_files.fetch(rows)
        newest = int(rows["max_event_time"].max())
        carried = read_carried(locations, _batch_id())
        if carried is not None:
            # The store has decided how far event time has come; what this batch adds to it is the next one's.
            before = replace(before, max_event_time=max_event_time_of(carried, delay))
            newest = NOTHING_SEEN
        bucket_tally, after = tag_bucket(bucket, payloads, newest, before, locations, delay, lookback)
        bucket_tally = structs.replace(bucket_tally, shuffle_files=tuple(set(rows["uri"])))
        state.update((after.encode(),))
        yield pd.DataFrame({"bucket": [bucket], "bucket_tally": [tally.encode(bucket_tally)]})

    return function


def _batch_id() -> int:
    """Spark's number of the batch at work."""
    from pyspark import TaskContext

    context = TaskContext.get()
    number = context.getLocalProperty("streaming.sql.batchId") if context else None
    if number is None:
        raise Damaged("Spark does not say which batch this is.")
    return int(number)


def _check_place(bucket: int, buckets: int) -> None:
    """Spark keeps state by partition: a bucket in another than its own would find nothing, and count all anew."""
    from pyspark import TaskContext

    context = TaskContext.get()
    partition = context.partitionId() if context else None
    if partition is None or labels_of(buckets)[partition : partition + 1] != (bucket,):
        raise Damaged(f"bucket {bucket} of {buckets} is in Spark's partition {partition}.")


def tag_bucket(
    bucket: int,
    payloads: Iterable[bytes | pa.Buffer],
    max_event_time: int,
    before: DedupState,
    locations: Locations,
    delay: int = WATERMARK_MICROSECONDS,
    lookback: int = 0,
) -> tuple[tally.BucketTally, DedupState]:
    """Tag one bucket's records, stage them as one file, and say what was staged.

    Args:
        bucket: the bucket's label.
        payloads: packed records of this bucket.
        max_event_time: the greatest valid event time of the whole batch.
        before: the bucket's state before the batch.
        locations: where files go.
        delay: how far the watermark trails the greatest event_time.
        lookback: for how long before the watermark ids are kept.
    """
    records = packing.unpack(payloads)
    store = BucketSegments(locations.segments(bucket), locations.day_segments(bucket), locations.copies)
    candidates = Candidates(
        keys=keys_of(_concatenated(records["id_hash"])),
        is_valid=_is_valid(records),
        is_ignored=np.asarray(records["is_ignored"]),
        event_time=pc.fill_null(records["event_time"].cast(pa.int64()), 0).to_numpy(),
        partition=records["kafka_partition"].to_numpy(),
        offset=records["kafka_offset"].to_numpy(),
    )
    dispositions, after = tag(candidates, before, max_event_time, delay, store, lookback)
    new_keys = candidates.keys[dispositions == DISPOSITIONS.index(Disposition.UNIQUE)]
    tagged = staged_files.with_dispositions(records, dispositions)
    uri = staged_files.write(tagged, locations.staging) if tagged.num_rows else None
    crash_point(Point.PARQUET_STAGED)
    partitions, amounts, percentiles = tally.count_up(tagged)
    bucket_tally = tally.BucketTally(
        bucket=bucket,
        uri=uri,
        rows=tagged.num_rows,
        partitions=partitions,
        amounts=amounts,
        timestamp_percentiles=percentiles,
        ignored_by_rule=tally.count_ignored(tagged),
        watermark=watermark_of(before.max_event_time, delay),
        max_event_time=after.max_event_time,
        state_keys=after.key_count,
        state_bytes=after.size_bytes,
        ends=tally.ends_of(tagged),
        log_days=tally.log_days_of(tagged),
        payment_days=tally.payment_days_of(tagged),
        complete_since=before.complete_since,
        days_to_ask=before.days_with(new_keys, store),
        days=after.days,
        days_since=after.complete_since,
        days_until=after.closed_until(delay),
    )
    return bucket_tally, after


def _is_valid(records: pa.Table) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.equal(pc.list_value_length(records["reasons"]), 0))


def _concatenated(hashes: pa.ChunkedArray) -> npt.NDArray[np.uint8]:
    """The bytes of a column of fixed-length binaries without nulls, one after the other."""
    width = hashes.type.byte_width
    found = [np.frombuffer(c.buffers()[1], np.uint8, len(c) * width, c.offset * width) for c in hashes.chunks]
    return np.concatenate([np.empty(0, np.uint8), *found])
