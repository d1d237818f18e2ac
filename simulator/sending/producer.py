"""The simulator's only contact with Kafka: an idempotent producer that tells of every acknowledgement.

Belongs here: sending, and what can go wrong with it. Does not belong here: what is sent, and creating topics.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Self

from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.partitioner.default import murmur2
from kafka.producer.future import RecordMetadata

from spark_jobs.contract.payment_event import SCHEMA_VERSION, SCHEMA_VERSION_HEADER, SCHEMA_VERSIONS
from spark_jobs.source.connection import producer
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused

MAX_IN_FLIGHT = 20_000
"""Deliveries that wait for their acknowledgement at most: the client itself knows no bound."""

_METADATA_MS = 5_000
_DELIVERY_MS = 120_000
_STOP_SECONDS = 10
_HEADERS = {version: [(SCHEMA_VERSION_HEADER, version.encode())] for version in SCHEMA_VERSIONS}


class ProducerError(Exception):
    """Kafka cannot be reached, or did not acknowledge. The message is one line that says what to do."""


class PaymentProducer:
    """Sends records to one topic. In order per key; each is acknowledged by all replicas, or an error is raised.

    Callbacks run one at a time, mostly on the client's own thread.
    """

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect.

        Raises:
            ProducerError: no broker answers, or the topic does not exist.
        """
        self._topic = topic
        self._slots = threading.BoundedSemaphore(MAX_IN_FLIGHT)
        self._partition_of: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._sent = self._acknowledged = 0
        self._first_failure: BaseException | None = None
        try:
            self._client = producer(
                bootstrap_servers,
                max_in_flight_requests_per_connection=5,
                linger_ms=10,
                batch_size=128 * 1024,
                delivery_timeout_ms=_DELIVERY_MS,
                max_block_ms=_METADATA_MS,
                allow_auto_create_topics=False,
                metrics_enabled=False,
            )
        except (KafkaError, OSError, TokenRefused) as error:
            raise ProducerError(f"Kafka at {bootstrap_servers}: {why(error, bootstrap_servers, topic)}") from None
        try:
            self._partitions = sorted(self._client.partitions_for(topic))
        except KafkaError:
            self._client.close(timeout=0)
            raise ProducerError(
                f"The topic {topic} does not exist at {bootstrap_servers}: create it with `payments up`, "
                f"or name yours in KAFKA_TOPIC_PAYMENTS."
            ) from None

    def send(
        self,
        key: bytes,
        value: bytes | None,
        on_acknowledged: Callable[[RecordMetadata], None],
        version: str = SCHEMA_VERSION,
    ) -> None:
        """Send a record of a version of the contract, stamped with the time of now.

        Raises:
            ProducerError: some delivery has failed.
        """
        while not self._slots.acquire(timeout=1.0):
            self._raise_a_failure()
        self._raise_a_failure()
        try:
            future = self._client.send(self._topic, value, key, _HEADERS[version], self._partition(key))
        except KafkaError as error:
            self._fail(error)
            self._raise_a_failure()
        self._sent += 1
        future.add_callback(self._acknowledge, on_acknowledged)
        future.add_errback(self._fail)

    def send_all(self, keys: list[bytes], values: list[bytes]) -> list[int]:
        """Send records of which no acknowledgement need be told; the partition of each. Raises ProducerError."""
        for key, value in zip(keys, values, strict=True):
            self.send(key, value, _unheard)
        return [self._partition(key) for key in keys]

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Wait, at the end of the block, until all that was sent in it is acknowledged.

        Raises:
            ProducerError: some records are not, after all.
        """
        try:
            yield
        except BaseException:
            self._flush(_STOP_SECONDS)
            raise
        self._flush(_DELIVERY_MS / 1000)
        self._raise_a_failure()
        if self._acknowledged != self._sent:
            raise ProducerError(f"{self._sent - self._acknowledged} of {self._sent} records are not acknowledged.")

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Disconnect; what is still not acknowledged has been told of by then."""
        with suppress(KafkaTimeoutError):
            self._client.close(timeout=0)

    def _flush(self, timeout_seconds: float) -> None:
        try:
            self._client.flush(timeout_seconds)
        except KafkaTimeoutError as error:
            self._first_failure = self._first_failure or error

    def _partition(self, key: bytes) -> int:
        """Kafka's own choice, remembered: a key stays where it is even if partitions are added meanwhile."""
        partition = self._partition_of.get(key)
        if partition is None:
            partition = self._partitions[(murmur2(key) & 0x7FFFFFFF) % len(self._partitions)]
            self._partition_of[key] = partition
        return partition

    def _acknowledge(self, on_acknowledged: Callable[[RecordMetadata], None], metadata: RecordMetadata) -> None:
        # On the caller's thread where the broker was quicker than add_callback.
        with self._lock:
            try:
                on_acknowledged(metadata)
            except OSError as error:
                # The client would only log it.
                self._first_failure = self._first_failure or error
            else:
                self._acknowledged += 1
        self._slots.release()

    def _fail(self, error: BaseException) -> None:
        self._first_failure = self._first_failure or error
        self._slots.release()

    def _raise_a_failure(self) -> None:
        if self._first_failure is not None:
            raise ProducerError(
                f"{self._sent - self._acknowledged} of {self._sent} records are not acknowledged, "
                f"so nobody knows what the topic holds of them. The first failure: {self._first_failure}"
            )


def _unheard(_metadata: RecordMetadata) -> None:
    """For records that are only counted."""
