"""A whole simulation: deliveries, in their time, to Kafka, and the truth about them into the manifest.

Belongs here: the glue, and pacing. Does not belong here: arguments and signals (__main__).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from simulator.config import SimulationConfig
from simulator.faults.deliveries import Delivery, DeliveryKind, deliveries
from simulator.faults.plan import burst_size
from simulator.population.clock import rfc3339, to_ms
from simulator.sending.manifest import Header, ManifestWriter, Record
from simulator.sending.producer import PaymentProducer
from spark_jobs.contract.payment_event import SCHEMA_VERSION, Disposition

Progress = Callable[[int, int | None], None]
"""Called now and then with the number of deliveries sent and, for a burst, of all there will be."""

_PROGRESS_EVERY = 500
_EARLY_SECONDS = 0.002


class Acknowledgement(Protocol):
    """What the broker says of a record; `timestamp` is milliseconds since 1970."""

    partition: int
    offset: int
    timestamp: int


@dataclass(slots=True)
class Summary:
    """What was acknowledged. `counts` is by (partition, disposition)."""

    source: str
    topic: str
    manifest_path: Path | None
    seconds: float = 0.0
    payments: int = 0
    frauds: int = 0
    counts: Counter[tuple[int, Disposition]] = field(default_factory=Counter)

    @property
    def deliveries(self) -> int:
        """All that was acknowledged."""
        return self.counts.total()

    def of(self, disposition: Disposition) -> int:
        """How many deliveries ought to get this disposition."""
        return sum(count for (_, tagged), count in self.counts.items() if tagged is disposition)


def simulate(
    config: SimulationConfig,
    bootstrap_servers: str,
    topic: str,
    manifest_path: Path | None = None,
    *,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Summary:
    """Send a simulation and wait for its acknowledgements.

    Args:
        config: what to simulate.
        bootstrap_servers: `host:port`, comma-separated.
        topic: an existing topic.
        manifest_path: where the manifest goes, if anywhere; until it is complete its name ends in `.partial`.
        progress: told how far it is.
        stop: once set, sending ends and the manifest is complete with what was sent.

    Raises:
        ProducerError: Kafka cannot be reached, or a delivery was not acknowledged.
        OSError: the manifest cannot be written.
    """
    stop = stop or threading.Event()
    began = time.monotonic()
    with ExitStack() as stack:
        producer = stack.enter_context(PaymentProducer(bootstrap_servers, topic))
        started_at = datetime.now(UTC)
        header = _header(config, topic, started_at)
        summary = Summary(header.source, topic, manifest_path)
        writer = stack.enter_context(ManifestWriter(manifest_path, header)) if manifest_path else None
        stack.enter_context(producer.acknowledging())
        total = None if config.is_steady else burst_size(config)
        for sent, delivery in enumerate(_paced(config, started_at, stop), start=1):
            reported = partial(_acknowledged, summary, writer, delivery)
            producer.send(delivery.key, delivery.value, reported, delivery.version)
            if progress and sent % _PROGRESS_EVERY == 0:
                progress(sent, total)
    summary.seconds = time.monotonic() - began
    return summary


def record_of(delivery: Delivery, acknowledgement: Acknowledgement) -> Record:
    """The manifest's line about a delivery."""
    payment = delivery.payment
    return Record(
        partition=acknowledgement.partition,
        offset=acknowledgement.offset,
        sha256=sha256(delivery.value or b"").hexdigest(),
        disposition=delivery.disposition,
        kind=delivery.kind,
        transaction_id=payment.transaction_id if payment else None,
        day=(payment.event_time if payment else rfc3339(acknowledgement.timestamp))[:10],
        currency=payment.currency if payment else "",
        amount_minor=payment.amount_minor if payment else 0,
        fraud=payment.fraud if payment else None,
        reasons=delivery.reasons,
    )


def _acknowledged(
    summary: Summary, writer: ManifestWriter | None, delivery: Delivery, acknowledgement: Acknowledgement
) -> None:
    if writer:
        writer.write(record_of(delivery, acknowledgement))
    summary.counts[acknowledgement.partition, delivery.disposition] += 1
    summary.payments += delivery.kind == DeliveryKind.PAYMENT
    summary.frauds += (
        delivery.kind == DeliveryKind.PAYMENT and delivery.payment is not None and bool(delivery.payment.fraud)
    )


def _paced(config: SimulationConfig, started_at: datetime, stop: threading.Event) -> Iterator[Delivery]:
    """The deliveries: a burst's at once; a steady simulation's at their time, and late ones as soon as possible."""
    last_ms = None if config.duration_seconds is None else to_ms(started_at) + 1000 * config.duration_seconds
    for delivery in deliveries(config, started_at):
        if stop.is_set() or (last_ms is not None and delivery.due_ms > last_ms):
            return
        ahead_seconds = delivery.due_ms / 1000 - time.time() if config.is_steady else 0
        if ahead_seconds > _EARLY_SECONDS and stop.wait(ahead_seconds):
            return
        yield delivery


def _header(config: SimulationConfig, topic: str, started_at: datetime) -> Header:
    started = rfc3339(to_ms(started_at))
    return Header(
        source=f"simulator-{config.seed}-{started}",
        topic=topic,
        started_at=started,
        seed=config.seed,
        schema_version=SCHEMA_VERSION,
        settings=asdict(config),
    )
