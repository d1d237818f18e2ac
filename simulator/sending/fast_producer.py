"""The optional producer of bulk loads: confluent-kafka, whose client is C.

Belongs here: sending blocks of records by it. Does not belong here: what is sent (bulk), and the producer that tells
of each acknowledgement (producer), which stays the default.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from kafka.partitioner.default import murmur2

from simulator.sending.producer import ProducerError
from spark_jobs.contract.payment_event import SCHEMA_VERSION, SCHEMA_VERSION_HEADER
from spark_jobs.source.connection import read_connection
from spark_jobs.source.refusals import named, why

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_CONNECT_SECONDS = 10.0
_DELIVERY_SECONDS = 120
_HEADERS: list[tuple[str, str | bytes | None]] = [(SCHEMA_VERSION_HEADER, SCHEMA_VERSION.encode())]


class FastProducer:
    """Sends records to one topic as PaymentProducer does: idempotent, in order per key, each acknowledged by all."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect.

        Raises:
            ProducerError: it is not installed, Kafka does not answer or refuses it, or the topic does not exist.
        """
        try:
            from confluent_kafka import KafkaException, Producer
        except ImportError:
            raise ProducerError(
                "confluent-kafka is not installed: `pip install .[fast]`, or use kafka-python."
            ) from None
        self._topic = topic
        self._sent = self._failed = 0
        self._first_failure: KafkaError | None = None
        self._partition_of: dict[bytes, int] = {}
        heard: list[KafkaError] = []
        self._client = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 10,
                "batch.size": 512 * 1024,
                "delivery.timeout.ms": _DELIVERY_SECONDS * 1000,
                "delivery.report.only.error": True,
                "on_delivery": self._fail,
                "error_cb": heard.append,
                "log_level": 0,
            }
            | read_connection().librdkafka()
        )
        try:
            found = self._client.list_topics(topic, timeout=_CONNECT_SECONDS).topics[topic]
        except KafkaException as error:
            # The exception says that nobody answered; why, is only told to the callback, and only here.
            self._client.poll(0)
            for reported in heard:
                error.add_note(f"{reported.name()}: {reported.str()}")
            raise ProducerError(f"Kafka at {bootstrap_servers}: {why(error, bootstrap_servers, topic)}") from None
        if found.error is not None:
            refused = named(found.error.name(), topic)
            raise ProducerError(
                f"Kafka at {bootstrap_servers}: {refused}"
                if refused
                else f"The topic {topic} does not exist at {bootstrap_servers}: create it with `payments up`, "
                f"or name yours in KAFKA_TOPIC_PAYMENTS."
            )
        self._partitions = sorted(found.partitions)

    def send_all(self, keys: list[bytes], values: list[bytes]) -> list[int]:
        """Send records of the contract's schema version; the partition of each. Raises ProducerError."""
        produce, topic = self._client.produce, self._topic
        partitions = [self._partition(key) for key in keys]
        for key, value, partition in zip(keys, values, partitions, strict=True):
            while True:
                try:
                    produce(topic, value, key, partition, headers=_HEADERS)
                    break
                except BufferError:
                    self._client.poll(0.01)
        self._sent += len(keys)
        self._client.poll(0)
        self._raise_a_failure()
        return partitions

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Wait, at the end of the block, until all that was sent in it is acknowledged. Raises ProducerError."""
        try:
            yield
        finally:
            left = self._client.flush(_DELIVERY_SECONDS)
        self._raise_a_failure()
        if left:
            raise ProducerError(f"{left} of {self._sent} records are not acknowledged.")

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is left to be done: the client ends with the object."""

    def _partition(self, key: bytes) -> int:
        """Kafka's own choice, as PaymentProducer makes it."""
        partition = self._partition_of.get(key)
        if partition is None:
            partition = self._partitions[(murmur2(key) & 0x7FFFFFFF) % len(self._partitions)]
            self._partition_of[key] = partition
        return partition

    def _fail(self, error: "KafkaError | None", _message: "Message") -> None:
        if error is not None:
            self._failed += 1
            self._first_failure = self._first_failure or error

    def _raise_a_failure(self) -> None:
        if self._first_failure is not None:
            raise ProducerError(
                f"{self._failed} or more of {self._sent} records are not acknowledged, so nobody knows what the topic "
                f"holds of them. The first failure: {self._first_failure}"
            )
