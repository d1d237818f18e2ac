"""Records to the topic once more, each with a header that says which old offset it comes from; and reading that back.

Belongs here: the two contacts of a replay with Kafka. Does not belong here: what may be replayed (replay).
"""

from collections.abc import Sequence

from spark_jobs.contract.payment_event import SCHEMA_VERSION, SCHEMA_VERSION_HEADER
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.source.connection import consumer, producer
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.tables.row_types import Place, ReadRow

REPLAY_HEADER = "replay_of"
"""topic/partition/offset of the quarantined record."""

_DELIVERY_MS = 120_000


def send(settings: JobSettings, rows: Sequence[ReadRow]) -> dict[Place, int]:
    """Send raw keys, values and headers to the partitions that they came from.

    Raises:
        BrokerUnreachable: not every record was acknowledged; those that were are found by `read_back`.

    Returns:
        The new offset by the old partition and offset.
    """
    from kafka.errors import KafkaError

    try:
        sender = producer(settings.bootstrap_servers, delivery_timeout_ms=_DELIVERY_MS, allow_auto_create_topics=False)
    except (KafkaError, TokenRefused) as error:
        raise _unreachable(settings, error) from error
    try:
        sent = [
            (
                place_of(row),
                sender.send(
                    settings.topic,
                    value=row["raw_value"],
                    key=row["raw_key"],
                    partition=row["kafka_partition"],
                    headers=[*_kept(row), (REPLAY_HEADER, _origin(settings, *place_of(row)))],
                ),
            )
            for row in rows
        ]
        sender.flush(_DELIVERY_MS / 1000)
        return {place: future.get(timeout=0).offset for place, future in sent}
    except KafkaError as error:
        raise _unreachable(settings, error) from error
    finally:
        sender.close(timeout=1)


def read_back(settings: JobSettings, requests: Sequence[ReadRow]) -> dict[Place, int]:
    """Where the records of these requests came to lie, of those that the topic holds.

    Raises:
        Incident: the topic no longer keeps the offsets at which one may lie.
    """
    from kafka import TopicPartition
    from kafka.errors import KafkaError

    wanted = {_origin(settings, r["kafka_partition"], r["kafka_offset"]): place_of(r) for r in requests}
    found: dict[Place, int] = {}
    try:
        reader = consumer(settings.bootstrap_servers)
        try:
            for partition in sorted({r["new_partition"] for r in requests}):
                at = TopicPartition(settings.topic, partition)
                first = min(r["sent_from_offset"] for r in requests if r["new_partition"] == partition)
                if reader.beginning_offsets([at])[at] > first:
                    raise Incident(
                        IncidentKind.OFFSETS_LOST,
                        f"partition {partition} no longer keeps offset {first}, so nobody can say what became of a "
                        f"replay from there: look for its value in payment_deliveries.",
                    )
                reader.assign([at])
                reader.seek(at, first)
                end = reader.end_offsets([at])[at]
                while reader.position(at) < end:
                    for record in reader.poll(timeout_ms=1_000).get(at, ()):
                        origin = dict(record.headers).get(REPLAY_HEADER)
                        if origin in wanted:
                            found.setdefault(wanted[origin], record.offset)
        finally:
            reader.close()
    except KafkaError as error:
        raise _unreachable(settings, error) from error
    return found


def _kept(row: ReadRow) -> list[tuple[str, bytes | None]]:
    """The headers that the record came with; where none are kept, what producers of the contract's events send."""
    from spark_jobs.reading.headers import from_text

    kept = from_text(row.get("headers"))
    if kept is None:
        return [(SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode())]
    return [(name, value) for name, value in kept if name != REPLAY_HEADER]


def _origin(settings: JobSettings, partition: int, offset: int) -> bytes:
    return f"{settings.topic}/{partition}/{offset}".encode()


def place_of(row: ReadRow) -> Place:
    """Partition and offset of a delivery, or of the one that a request is about."""
    return row["kafka_partition"], row["kafka_offset"]


def _unreachable(settings: JobSettings, error: Exception) -> BrokerUnreachable:
    reason = why(error, settings.bootstrap_servers, settings.topic)
    return BrokerUnreachable(
        f"Kafka at {settings.bootstrap_servers} did not acknowledge: {reason} "
        f"What was sent is found by the next `payments replay`, a few minutes from now."
    )
