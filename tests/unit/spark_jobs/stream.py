"""A micro-batch without Spark: what the streaming plan does to records between Kafka and the tallies, in one process.

Belongs here: making batches of Kafka's columns and taking them through the steps. Does not belong here: judging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.deduplication.state import DedupState
from spark_jobs.reading.headers import HEADERS_TYPE
from spark_jobs.reading.records import CLOCK, KAFKA_COLUMNS, read_records
from spark_jobs.streaming import packing, plan, shuffle_files
from spark_jobs.streaming.locations import Locations
from spark_jobs.streaming.tally import BucketTally
from tests.corpus.cases import KAFKA_TIMESTAMP

KAFKA_US = int(KAFKA_TIMESTAMP.timestamp()) * 1_000_000
_TYPES = [pa.int32(), pa.int64(), pa.timestamp("us", "UTC"), pa.binary(), pa.binary(), HEADERS_TYPE]


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record."""

    value: bytes | None
    partition: int = 0
    offset: int = 0
    timestamp_us: int = KAFKA_US
    key: bytes | None = b"a-1"
    clock_us: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] | None = None


def us(text: str) -> int:
    """Microseconds since 1970 of a time like 2026-11-21T12:00:00Z."""
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp()) * 1_000_000


def columns(records: Sequence[Record]) -> pa.RecordBatch:
    """pipeline.KAFKA_COLUMNS and CLOCK."""
    rows = [(r.partition, r.offset, r.timestamp_us, r.key, r.value, _headers(r)) for r in records]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(_TYPES)
    arrays = [pa.array(column, kind) for column, kind in zip(values, _TYPES, strict=True)]
    clocks = pa.array([r.clock_us for r in records], pa.timestamp("us", "UTC"))
    return pa.RecordBatch.from_arrays([*arrays, clocks], names=[*KAFKA_COLUMNS, CLOCK])


def _headers(record: Record) -> list[dict[str, str | bytes | None]] | None:
    if record.headers is None:
        return None
    return [{"key": name, "value": value} for name, value in record.headers]


def validated(*values: bytes | None, timestamp_us: int = KAFKA_US, lists: CodeLists | None = None) -> pa.Table:
    """staging.RECORD_SCHEMA for bare values."""
    return read_records(columns([Record(value, timestamp_us=timestamp_us) for value in values]), lists)


class Stream:
    """Every bucket's state, from batch to batch."""

    def __init__(
        self, folder: Path, buckets: int = 1, state: DedupState | None = None, mapping: str | None = None
    ) -> None:
        self.mapping = mapping
        self.locations = Locations((folder / "checkpoint").as_uri(), (folder / "staging").as_uri())
        self.buckets = buckets
        self.states = dict.fromkeys(labels_of(buckets), state or DedupState())
        self.tallies: list[BucketTally] = []
        self.delay = WATERMARK_MICROSECONDS
        self.lookback = 0
        self.lists: CodeLists | None = None

    def take(self, records: Sequence[Record], chunk: int = 10_000) -> pa.Table:
        """Take one micro-batch, `chunk` records at a time; returns what was staged."""
        chunks = [records[at : at + chunk] for at in range(0, len(records), chunk)]
        return self.stage([plan.pack_records(columns(rows), self.buckets, self.lists, self.mapping) for rows in chunks])

    def stage(self, packed: Sequence[packing.PackedRecords]) -> pa.Table:
        """Take one micro-batch of packed records; returns what was staged."""
        self.tallies = []
        references = pa.Table.from_batches(shuffle_files.park(packed, self.locations.staging)).to_pandas()
        for label, rows in references.groupby("bucket"):
            bucket_tally, self.states[label] = plan.tag_bucket(
                label,
                shuffle_files.fetch(rows),
                int(rows["max_event_time"].max()),
                self.states[label],
                self.locations,
                self.delay,
                self.lookback,
            )
            self.tallies.append(bucket_tally)
        return pa.concat_tables(
            [
                pq.read_table(bucket_tally.uri.removeprefix("file://"))
                for bucket_tally in self.tallies
                if bucket_tally.uri
            ]
        )
