"""The Kafka topic, as the broker describes it, and whether it still fits what is published.

Belongs here: one short look at the broker, and the pure judgement of it. Does not belong here: reading records (Spark).
kafka-python is imported inside functions: orchestration asks for the types alone.
"""

from dataclasses import dataclass

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.connection import admin_client
from spark_jobs.source.oauth import TokenRefused
from spark_jobs.source.refusals import why


class BrokerUnreachable(RuntimeError):
    """The broker did not answer: never to be read as "no data". The message is one line."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """Offsets by partition: `earliest` still kept, `latest` the one that the next record will get."""

    topic: str
    topic_id: str
    earliest: dict[int, int]
    latest: dict[int, int]


class TopicReader:
    """A connection that can be asked again and again for the state of one topic."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        from kafka.errors import KafkaError

        self._bootstrap_servers = bootstrap_servers
        self._topic = topic
        try:
            self._admin = admin_client(bootstrap_servers)
        except (KafkaError, TokenRefused) as error:
            raise self._unreachable(error) from error

    def read(self) -> TopicState:
        """One look at the topic.

        Raises:
            BrokerUnreachable: the broker did not answer.
            Incident: TOPIC_MISSING.
        """
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec
        from kafka.errors import KafkaError, UnknownTopicOrPartitionError, for_code

        try:
            described = self._admin.describe_topics([self._topic])[0]
            if described["error_code"] == UnknownTopicOrPartitionError.errno:
                raise Incident(
                    IncidentKind.TOPIC_MISSING, f"topic {self._topic!r} does not exist; create it, or mend the name."
                )
            if described["error_code"]:
                raise for_code(described["error_code"])()
            partitions = [TopicPartition(self._topic, p["partition_index"]) for p in described["partitions"]]
            earliest = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
            latest = self._admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        except (KafkaError, TokenRefused) as error:
            raise self._unreachable(error) from error
        return TopicState(
            topic=self._topic,
            topic_id=str(described["topic_id"]),
            earliest={p.partition: offset.offset for p, offset in earliest.items()},
            latest={p.partition: offset.offset for p, offset in latest.items()},
        )

    def close(self) -> None:
        """Close the connection."""
        self._admin.close()

    def __enter__(self) -> "TopicReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unreachable(self, error: Exception) -> BrokerUnreachable:
        return BrokerUnreachable(
            f"Kafka at {self._bootstrap_servers}: {why(error, self._bootstrap_servers, self._topic)}"
        )


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
