"""Which payments are sent again and where other faults stand in the sending order, by rate.

Belongs here: counts, ranks, positions and delays. Does not belong here: the deliveries themselves (deliveries). A burst
has exact numbers of everything; a steady simulation has no end, and each payment or position is as likely as another.
"""

import heapq
import math
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from simulator.config import SimulationConfig
from simulator.population.clock import BurstClock

LATE_FROM = 0.7
"""A burst sends its late events after this share of its deliveries."""

LATE_AFTER_SECONDS = 60
"""A steady simulation sends its first late event after this time."""

LATE_AGAIN_SHARE = 0.2
"""How many late events are sent a second time."""

KEEPS_TIME_SHARE = 0.5
"""How many retries keep the event time of the payment; the others are made anew."""

_DELAYS_SECONDS = ((0.80, 0.5, 60.0), (0.95, 60.0, 600.0), (1.00, 600.0, 2700.0))
"""Cumulative share of retries, and between which delays they fall."""


class Retry(NamedTuple):
    """Send the payment of this rank again."""

    rank: int
    delay_ms: int
    keeps_time: bool
    is_conflict: bool


class Fault(StrEnum):
    """What is inserted into the stream of payments and retries."""

    MALFORMED = "malformed"
    LATE = "late"
    LATE_AGAIN = "late_again"


class Insert(NamedTuple):
    """A fault at this position of the sending order."""

    position: int
    fault: Fault


def burst_size(config: SimulationConfig) -> int:
    """How many deliveries a burst has, faults and refunds and all."""
    return _size_without_refunds(config) + refunds_among(config.events, config.refund_rate)


def _size_without_refunds(config: SimulationConfig) -> int:
    return config.events + round(config.events * config.retry_rate) + sum(_burst_faults(config).values())


def refunds_among(payments: int, rate: float) -> int:
    """How many of the first so many payments are refunded."""
    return int(payments * rate)


def burst_retries(config: SimulationConfig, clock: BurstClock, rng: np.random.Generator) -> list[Retry]:
    """Retries in order of rank. The delay is drawn first, then a payment early enough for it: the mix stays exact."""
    span_ms = clock.end_ms - clock.start_ms
    retries = []
    for _ in range(round(config.events * config.retry_rate)):
        delay_ms = _delay_ms(rng)
        delay_ms = delay_ms if delay_ms < span_ms else int(rng.integers(1, span_ms))
        early_enough = int(config.events * clock.share_before(clock.end_ms - delay_ms))
        retries.append(_retry(int(rng.integers(max(1, early_enough))), delay_ms, config, rng))
    return sorted(retries)


def steady_retries(config: SimulationConfig, rng: np.random.Generator) -> Iterator[Retry]:
    """Retries in order of rank."""
    for rank in _positions(0, config.retry_rate, rng):
        yield _retry(rank, _delay_ms(rng), config, rng)


def burst_inserts(config: SimulationConfig, rng: np.random.Generator) -> list[Insert]:
    """Late events within the last part of all that is sent, malformed ones anywhere; in order of position."""
    total, faults = _size_without_refunds(config), _burst_faults(config)
    first_late = math.ceil(LATE_FROM * total)
    late = faults[Fault.LATE] + faults[Fault.LATE_AGAIN]
    positions = [
        *(first_late + rng.choice(total - first_late, late, replace=False)).tolist(),
        *rng.choice(total, faults[Fault.MALFORMED], replace=False).tolist(),
    ]
    return sorted(map(Insert, positions, Counter(faults).elements()))


def steady_inserts(config: SimulationConfig, rng: np.random.Generator) -> Iterator[Insert]:
    """Late and malformed events in order of position."""
    per_payment = 1 + config.retry_rate + config.malformed_rate
    first_late = math.ceil(1.1 * LATE_AFTER_SECONDS * (config.rate or 0) * per_payment) + 10
    late = (
        Insert(position, Fault.LATE_AGAIN if rng.random() < LATE_AGAIN_SHARE else Fault.LATE)
        for position in _positions(first_late, config.late_rate, rng)
    )
    malformed = (Insert(position, Fault.MALFORMED) for position in _positions(0, config.malformed_rate, rng))
    return heapq.merge(late, malformed)


def _burst_faults(config: SimulationConfig) -> dict[Fault, int]:
    late = round(config.events * config.late_rate)
    return {
        Fault.LATE: late,
        Fault.LATE_AGAIN: round(late * LATE_AGAIN_SHARE),
        Fault.MALFORMED: round(config.events * config.malformed_rate),
    }


def _positions(first: int, rate: float, rng: np.random.Generator) -> Iterator[int]:
    """Positions from `first` on, each chosen with the probability `rate`."""
    position = first - 1
    while rate > 0:
        position += int(rng.geometric(rate))
        yield position


def _retry(rank: int, delay_ms: int, config: SimulationConfig, rng: np.random.Generator) -> Retry:
    keeps_time, is_conflict = (rng.random(2) < [KEEPS_TIME_SHARE, config.conflict_share]).tolist()
    return Retry(rank, delay_ms, keeps_time, is_conflict)


def _delay_ms(rng: np.random.Generator) -> int:
    draw = rng.random()
    low, high = next((low, high) for share, low, high in _DELAYS_SECONDS if draw < share)
    return int(1000 * rng.uniform(low, high))
