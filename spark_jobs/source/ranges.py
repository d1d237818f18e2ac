"""Ranges of the topic, read again: the records as the streaming job reads them, without Spark.

Belongs here: the consumer. Does not belong here: what the records say (reading), which range
(corrections).
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.source.connection import consumer
from spark_jobs.source.log.log_batches import LogSilent
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused
from spark_jobs.source.topic import BrokerUnreachable

if TYPE_CHECKING:
    import pyarrow as pa
    from kafka import TopicPartition

type Range = tuple[int, int]
"""First offset, and the one after the last."""

RECORDS_AT_ONCE = 20_000
_POLL_MS = 1_000
_SILENT_POLLS = 30


def read_ranges(settings: JobSettings, ranges: Mapping[int, Range]) -> "Iterator[pa.RecordBatch]":
    """pipeline.KAFKA_COLUMNS of every record in the ranges, by partition, RECORDS_AT_ONCE or fewer at a time.

    Raises:
        BrokerUnreachable: the broker did not answer, or stopped answering.
        Incident: OFFSETS_LOST, where the topic no longer keeps the first of them.
    """
    from kafka.errors import KafkaError

    try:
        reader = consumer(settings.bootstrap_servers, isolation_level="read_committed")
        try:
            for partition, (start, end) in sorted(ranges.items()):
                yield from _read_range(reader, settings, partition, (start, end))
        finally:
            reader.close()
    except (KafkaError, TokenRefused) as error:
        raise _unreachable(settings, why(error, settings.bootstrap_servers, settings.topic)) from error


def _read_range(reader: Any, settings: JobSettings, partition: int, wanted: Range) -> "Iterator[pa.RecordBatch]":
    from kafka import TopicPartition

    start, end = wanted
    at = TopicPartition(settings.topic, partition)
    kept = reader.beginning_offsets([at])[at]
    if kept > start:
        raise Incident(
            IncidentKind.OFFSETS_LOST,
            f"partition {partition} keeps offsets from {kept} on, and {start} was asked for: take a later range.",
        )
    found: list[Any] = []
    try:
        for polled in poll_until(reader, at, start, end, at_once=RECORDS_AT_ONCE, silent_polls=_SILENT_POLLS):
            found += polled
            if len(found) >= RECORDS_AT_ONCE:
                yield _batch(found)
                found = []
    except LogSilent as silent:
        raise _unreachable(settings, str(silent)) from silent
    if found:
        yield _batch(found)


def poll_until(
    reader: Any, at: "TopicPartition", start: int, end: int, *, at_once: int, silent_polls: int
) -> Iterator[list[Any]]:
    """The committed records from `start` up to but not including `end`, as they are polled.

    Args:
        reader: a consumer of kafka-python, which is assigned to this partition alone.
        at: the partition.
        start: first offset.
        end: the offset after the last; it must not lie behind an open transaction.
        at_once: the most records of a poll.
        silent_polls: it is given up after so many polls of a second in which nothing came and nothing was passed.

    Raises:
        LogSilent: the broker gives no more.
        KafkaError: it did not answer, or refused.
    """
    reader.assign([at])
    reader.seek(at, start)
    silent, position = 0, start
    while (reached := reader.position(at)) < end:
        # It also moves where nothing but holes was passed.
        silent, position = (0 if reached > position else silent), reached
        polled = reader.poll(timeout_ms=_POLL_MS, max_records=at_once).get(at, ())
        silent = 0 if polled else silent + 1
        if silent == silent_polls:
            raise LogSilent(f"nothing came from partition {at.partition} at offset {reader.position(at)}.")
        yield [record for record in polled if record.offset < end]


def _batch(records: list[Any]) -> "pa.RecordBatch":
    import pyarrow as pa

    headers = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
    return pa.RecordBatch.from_pydict(
        {
            "partition": pa.array([record.partition for record in records], pa.int32()),
            "offset": pa.array([record.offset for record in records], pa.int64()),
            "timestamp": pa.array([microseconds_of(record) for record in records], pa.timestamp("us", "UTC")),
            "key": pa.array([record.key for record in records], pa.binary()),
            "value": pa.array([record.value for record in records], pa.binary()),
            "headers": pa.array([_headers(record.headers) for record in records], headers),
        }
    )


def microseconds_of(record: Any) -> int:
    """A record's timestamp. A sender may set any: what is none is judged later, and has to fit into 64 bits."""
    return int(max(-1, min(record.timestamp, 2**53)) * 1_000)


def _headers(headers: Any) -> list[dict[str, Any]] | None:
    return [{"key": name, "value": value} for name, value in headers] or None


def _unreachable(settings: JobSettings, message: str) -> BrokerUnreachable:
    return BrokerUnreachable(f"Kafka at {settings.bootstrap_servers}: {message} Nothing was changed.")
