"""A sample of the topic: the newest records of each partition, with their headers, for a person to look at.

Belongs here: the consumer. Does not belong here: what the records say (mapping), reading whole ranges (ranges).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spark_jobs.source.connection import consumer
from spark_jobs.source.log.log_batches import LogSilent
from spark_jobs.source.ranges import microseconds_of, poll_until
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused
from spark_jobs.source.topic import BrokerUnreachable, TopicReader

_SILENT_POLLS = 10
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class SampledRecord:
    """A record as it lies in the topic; `timestamp` is in microseconds."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def newest_records(bootstrap_servers: str, topic: str, count: int) -> list[SampledRecord]:
    """About `count` of the newest committed records, spread over the partitions, in their order.

    Raises:
        BrokerUnreachable: the broker did not answer, or stopped answering.
        Incident: TOPIC_MISSING.
    """
    from kafka.errors import KafkaError

    with TopicReader(bootstrap_servers, topic) as reader:
        partitions = sorted(reader.read().latest)
    each = -(-count // len(partitions))
    try:
        client = consumer(bootstrap_servers, isolation_level="read_committed")
        try:
            return [
                record
                for partition in partitions
                for record in _newest(client, bootstrap_servers, topic, partition, each)
            ]
        finally:
            client.close()
    except (KafkaError, TokenRefused) as error:
        raise BrokerUnreachable(f"Kafka at {bootstrap_servers}: {why(error, bootstrap_servers, topic)}") from error


def _newest(client: Any, servers: str, topic: str, partition: int, count: int) -> Iterator[SampledRecord]:
    from kafka import TopicPartition

    at = TopicPartition(topic, partition)
    start, end = client.beginning_offsets([at])[at], client.end_offsets([at])[at]
    first = max(start, end - count)
    try:
        for polled in poll_until(client, at, first, end, at_once=_AT_ONCE, silent_polls=_SILENT_POLLS):
            for record in polled:
                yield SampledRecord(
                    partition,
                    record.offset,
                    microseconds_of(record),
                    record.key,
                    record.value,
                    tuple(record.headers or ()),
                )
    except LogSilent as silent:
        raise BrokerUnreachable(f"Kafka at {servers}: nothing came from partition {partition} of {topic}.") from silent
