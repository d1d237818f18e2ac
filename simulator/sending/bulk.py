"""A bulk load: payments and retries from pre-rendered templates, as fast as it goes or at a high, steady rate.

Belongs here: what a bulk load sends, and sending it. Does not belong here: labelled faults and fraud, of which it has
none, and the manifest (simulate). Contract, accounts and habits are those of every simulation; each event has an id
and a time of its own, and takes all else from one of many payments that were drawn and rendered once. A retry is the
same bytes again, with the next block. At a rate, a block is sent once the last of its payments is due: none is of the
future, and where the sender is too slow it lags and leaves nothing out.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from simulator.config import SimulationConfig
from simulator.population.clock import BLOCK, BurstClock, SteadyClock, Times, rfc3339, to_ms
from simulator.population.clock import rfc3339_all as times_as_text
from simulator.population.payments import Traffic, transaction_ids
from simulator.population.people import populate
from simulator.sending.fast_producer import FastProducer
from simulator.sending.producer import PaymentProducer
from simulator.sending.simulate import Summary
from spark_jobs.contract.payment_event import Disposition

TEMPLATES = 16 * BLOCK

PRODUCERS: dict[str, type[PaymentProducer] | type[FastProducer]] = {
    "kafka-python": PaymentProducer,
    "confluent": FastProducer,
}


class Block(NamedTuple):
    """Deliveries in sending order: the payments of a block, then retries of the block before it.

    `due_ms` is when its last payment was made, in milliseconds since 1970.
    """

    keys: list[bytes]
    values: list[bytes]
    payments: int
    due_ms: int


def blocks(config: SimulationConfig, started_at: datetime) -> Iterator[Block]:
    """All deliveries of a bulk load. Pure: the same arguments give the same bytes."""
    start_ms = to_ms(started_at)
    rng = np.random.default_rng([config.seed, start_ms])
    keys, tails = _templates(config, rng)
    owed, waiting = 0.0, Block([], [], 0, start_ms)
    for times in _times(config, start_ms, rng):
        chosen = rng.integers(len(tails), size=len(times)).tolist()
        events = zip(transaction_ids(rng, len(times)), times_as_text(times), chosen, strict=True)
        values = [f'{{"transaction_id":"{id_}","event_time":"{at}{tails[i]}'.encode() for id_, at, i in events]
        senders = [keys[i] for i in chosen]
        due_ms = int(times[-1])
        yield Block(senders + waiting.keys, values + waiting.values, len(values), due_ms)
        owed += config.retry_rate * len(values)
        again = rng.choice(len(values), int(owed), replace=False).tolist()
        owed -= len(again)
        waiting = Block([senders[i] for i in again], [values[i] for i in again], 0, due_ms)
    if waiting.keys:
        yield waiting


def _times(config: SimulationConfig, start_ms: int, rng: np.random.Generator) -> Iterator[Times]:
    """Event times, block by block: those of a burst end at the start, those of a rate begin there."""
    if config.rate is None:
        yield from BurstClock(config.events, start_ms - round(config.span_minutes * 60_000), start_ms).blocks(rng)
        return
    last_ms = math.inf if config.duration_seconds is None else start_ms + 1000 * config.duration_seconds
    for times in SteadyClock(config.rate, start_ms).blocks(rng):
        in_time = times[times < last_ms]
        if len(in_time):
            yield in_time
        if len(in_time) < len(times):
            return


def _templates(config: SimulationConfig, rng: np.random.Generator) -> tuple[list[bytes], list[str]]:
    """Senders, and what stands behind the event's time."""
    traffic = Traffic(populate(config.seed, config.accounts), rng)
    size = TEMPLATES if config.is_steady else min(TEMPLATES, config.events)
    drawn = [p for first in range(0, size, BLOCK) for p in traffic.block(np.zeros(min(BLOCK, size - first), np.int64))]
    tails = [
        f'","sender_account_id":"{p.sender}","receiver_account_id":"{p.receiver}","amount":"{p.amount}",{p.details}'
        for p in drawn
    ]
    return [p.sender.encode() for p in drawn], tails


def load(
    config: SimulationConfig,
    bootstrap_servers: str,
    topic: str,
    producer: str = "kafka-python",
    *,
    stop: threading.Event | None = None,
) -> Summary:
    """Send a bulk load by one of PRODUCERS, until it ends or `stop` is set; wait for every acknowledgement.

    Raises:
        ProducerError: Kafka cannot be reached, a delivery was not acknowledged, or the producer is not installed.
    """
    stop = stop or threading.Event()
    began = time.monotonic()
    with PRODUCERS[producer](bootstrap_servers, topic) as client:
        started_at = datetime.now(UTC)
        source = f"simulator-{config.seed}-{rfc3339(to_ms(started_at))}"
        summary = Summary(source, topic, None)
        with client.acknowledging():
            for block in blocks(config, started_at):
                ahead_seconds = block.due_ms / 1000 - time.time()
                if stop.wait(max(ahead_seconds, 0)):
                    break
                partitions = client.send_all(block.keys, block.values)
                _count(summary, Counter(partitions[: block.payments]), Disposition.UNIQUE)
                _count(summary, Counter(partitions[block.payments :]), Disposition.DUPLICATE)
                summary.payments += block.payments
    summary.seconds = time.monotonic() - began
    return summary


def fastest() -> str:
    """The one of PRODUCERS that needs the least CPU here."""
    return "confluent" if find_spec("confluent_kafka") else "kafka-python"


def _count(summary: Summary, per_partition: Counter[int], disposition: Disposition) -> None:
    for partition, count in per_partition.items():
        summary.counts[partition, disposition] += count
