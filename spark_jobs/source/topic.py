"""The Kafka topic, as the broker describes it, and whether it still fits what is published.

Belongs here: one short look at the broker, and the pure judgement of it. Does not belong here: reading records (Spark).
kafka-python is imported inside functions: orchestration asks for the types alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.connection import admin_client
from spark_jobs.source.last_records import LastRecords, check_last_records, sha256_at
from spark_jobs.source.log.holes import CLEANUP_POLICY, COMPACT, holes_in, spans_with_gaps
from spark_jobs.source.log.log_batches import LogSilent, count, fetch
from spark_jobs.source.open_transactions import OpenTransaction, open_transactions
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused


class BrokerUnreachable(RuntimeError):
    """The broker did not answer: never to be read as "no data". The message is one line."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """Offsets by partition: `earliest` still kept, `latest` the one after the last that can be read.

    What is written from `latest` on belongs to an open transaction, or lies behind one: it has to wait.
    """

    topic: str
    topic_id: str
    earliest: dict[int, int]
    latest: dict[int, int]


class TopicReader:
    """A connection that can be asked again and again for the state of one topic."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        with self._asked():
            self._admin = admin_client(bootstrap_servers)

    def read(self) -> TopicState:
        """One look at the topic.

        Raises:
            BrokerUnreachable: the broker did not answer.
            Incident: TOPIC_MISSING.
        """
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec
        from kafka.errors import UnknownTopicOrPartitionError, for_code
        from kafka.protocol.consumer import IsolationLevel

        with self._asked():
            described = self._admin.describe_topics([self._topic])[0]
            if described["error_code"] == UnknownTopicOrPartitionError.errno:
                raise Incident(
                    IncidentKind.TOPIC_MISSING, f"topic {self._topic!r} does not exist; create it, or mend the name."
                )
            if described["error_code"]:
                raise for_code(described["error_code"])()
            partitions = [TopicPartition(self._topic, p["partition_index"]) for p in described["partitions"]]
            earliest = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
            # As Spark lists them: what cannot be read yet is not waiting, or a run would go round and round for it.
            readable = IsolationLevel.READ_COMMITTED
            latest = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST), readable)
        return TopicState(
            topic=self._topic,
            topic_id=str(described["topic_id"]),
            earliest={p.partition: offset.offset for p, offset in earliest.items()},
            latest={p.partition: offset.offset for p, offset in latest.items()},
        )

    def open_transactions(self, state: TopicState) -> list[OpenTransaction]:
        """What holds back the records that were written and cannot be read, by partition.

        Raises:
            BrokerUnreachable: the broker did not answer.
        """
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec

        with self._asked():
            ends = {TopicPartition(self._topic, partition): OffsetSpec.LATEST for partition in state.latest}
            written = {at.partition: end.offset for at, end in self._admin.list_partition_offsets(ends).items()}
            held = {p: (state.latest[p], end) for p, end in sorted(written.items()) if end > state.latest[p]}
            return open_transactions(self._admin, self._topic, held) if held else []

    def offsets_at(self, moment: datetime, state: TopicState) -> dict[int, int]:
        """The first offset of each partition whose record's timestamp is not before the moment; else its end.

        Raises:
            BrokerUnreachable: the broker did not answer.
        """
        from kafka import TopicPartition

        milliseconds = round(moment.timestamp() * 1000)
        wanted = {TopicPartition(self._topic, partition): milliseconds for partition in state.latest}
        with self._asked():
            found = {at.partition: each.offset for at, each in self._admin.list_partition_offsets(wanted).items()}
        return {p: min(found[p], latest) if found[p] >= 0 else latest for p, latest in state.latest.items()}

    def configuration(self) -> dict[str, str]:
        """The topic's own configuration, by name; empty where the broker does not tell, which takes DescribeConfigs."""
        from kafka.admin import ConfigResource, ConfigResourceType
        from kafka.errors import KafkaError

        wanted = [ConfigResource(ConfigResourceType.TOPIC, self._topic)]
        try:
            described = self._admin.describe_configs(wanted, config_filter="all")
        except KafkaError:
            return {}
        return {name: str(each["value"]) for name, each in described.get("topic", {}).get(self._topic, {}).items()}

    def check_last_records(self, published: LastRecords, state: TopicState) -> None:
        """Make sure that the broker holds the records that were published last, where it still keeps their offsets.

        Raises:
            BrokerUnreachable: the broker did not answer.
            Incident: TOPIC_RECREATED, where it holds others.
        """
        from kafka import TopicPartition

        kept = {p: o for p, (o, _) in published.items() if state.earliest.get(p, 0) <= o < state.latest.get(p, 0)}
        with self._asked():
            batches = {p: fetch(self._admin, TopicPartition(self._topic, p), o, o + 1, size=1) for p, o in kept.items()}
            held = {p: sha256_at((fetched.batches for fetched in batches[p]), o) for p, o in kept.items()}
        differs = any(held[p] != published[p][1] for p in kept)
        is_compacted = differs and COMPACT in self.configuration().get(CLEANUP_POLICY, "")
        check_last_records(self._topic, published, held, is_compacted=is_compacted)

    def find_holes(self, ranges: Mapping[int, tuple[int, int]], read: Mapping[int, int]) -> dict[int, int]:
        """How many offsets of each range have no record, of those ranges of which fewer records were read.

        It costs nothing where every offset gave a record. Otherwise the log of those ranges is read once more, by its
        headers.

        Raises:
            BrokerUnreachable: the broker did not answer.
            Incident: OFFSET_GAP, where nothing explains that there is no record.
        """
        from kafka import TopicPartition

        spans = spans_with_gaps(ranges, read)
        policy = self.configuration().get(CLEANUP_POLICY) if spans else None
        found = {}
        with self._asked():
            for partition, span in spans.items():
                batches = fetch(self._admin, TopicPartition(self._topic, partition), span.start, span.end)
                found[partition] = holes_in(partition, span, count(batches, span.start, span.end), policy)
        return found

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """While this lasts, an error of the client is BrokerUnreachable, in one line."""
        from kafka.errors import KafkaError

        try:
            yield
        except LogSilent as silent:
            raise BrokerUnreachable(f"Kafka at {self._bootstrap_servers}: {silent}") from silent
        except (KafkaError, TokenRefused) as error:
            servers = self._bootstrap_servers
            raise BrokerUnreachable(f"Kafka at {servers}: {why(error, servers, self._topic)}") from error

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def backlog(published: dict[int, int], topic: TopicState) -> int:
    """How many records are in the topic and not yet published."""
    return sum(latest - published.get(partition, 0) for partition, latest in topic.latest.items())


def lost_offsets(published: dict[int, int], topic: TopicState) -> dict[int, tuple[int, int]]:
    """Unread offsets that the broker no longer keeps, by partition: first, and the one after the last."""
    starts = {partition: (published.get(partition, 0), earliest) for partition, earliest in topic.earliest.items()}
    return {partition: (start, earliest) for partition, (start, earliest) in sorted(starts.items()) if start < earliest}


def check_identity(published: dict[int, int], topic_id: str, topic: TopicState) -> None:
    """Make sure that the topic is the one that was published from.

    Raises:
        Incident: TOPIC_RECREATED, with partitions and offsets.
    """
    latest = topic.latest
    behind = {p: offset for p, offset in sorted(published.items()) if offset > latest.get(p, 0)}
    if topic.topic_id != topic_id or behind:
        raise Incident(
            IncidentKind.TOPIC_RECREATED,
            f"topic {topic.topic!r} is not the one that was published from (id {topic_id} then, {topic.topic_id} now; "
            f"published past its end: {behind}); nothing is read until that is settled.",
            {p: (latest.get(p, 0), offset) for p, offset in (behind or published).items()},
        )


def check_source(published: dict[int, int], topic_id: str, topic: TopicState) -> None:
    """Make sure that reading on from `published` loses nothing.

    Raises:
        Incident: TOPIC_RECREATED or OFFSETS_LOST, with partitions and offsets.
    """
    check_identity(published, topic_id, topic)
    lost = lost_offsets(published, topic)
    if lost:
        spans = ", ".join(f"partition {p} offsets {first} to {end - 1}" for p, (first, end) in lost.items())
        raise Incident(
            IncidentKind.OFFSETS_LOST,
            f"the broker no longer keeps unread records of {topic.topic!r}: {spans}; raise its retention, and go on "
            f"without them by `payments accept-gap`.",
            lost,
        )
