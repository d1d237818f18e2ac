"""The deliveries of a simulation in sending order: payments, and the labelled faults among them.

Belongs here: what is sent, and which disposition each delivery deserves. Does not belong here: how many faults and
where (plan), sending (sending), writing the truth down (sending). Pure: the same arguments give the same
deliveries.

The dispositions hold however the stream is cut into micro-batches: on-time event times lie closer together than the
watermark delay, a retry keeps its sender and so its partition, and late events are older than any watermark that
on-time traffic before them leaves behind.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count, cycle
from typing import NamedTuple

import numpy as np

from simulator.config import SimulationConfig
from simulator.faults.fraud import mixed_payments
from simulator.faults.malformed import Malformation, one_of_each_first
from simulator.faults.plan import (
    Fault,
    Insert,
    Retry,
    burst_inserts,
    burst_retries,
    refunds_among,
    steady_inserts,
    steady_retries,
)
from simulator.population.clock import BurstClock, SteadyClock, to_ms
from simulator.population.payments import Payment, Traffic, to_json
from simulator.population.people import populate
from spark_jobs.contract.payment_event import (
    SCHEMA_VERSION,
    SCHEMA_VERSION_2,
    WATERMARK_DELAY,
    Disposition,
    PaymentKind,
    Reason,
)

LATENESS = WATERMARK_DELAY + timedelta(minutes=15)
"""Late events are at least this much older than the oldest on-time one."""

_LATEST = timedelta(hours=20)


class DeliveryKind(StrEnum):
    """What a valid delivery is; a broken one is `malformed:<REASON>`."""

    PAYMENT = "payment"
    RETRY = "retry"
    CONFLICT = "conflict"
    LATE = "late"
    REFUND = "refund"


class Delivery(NamedTuple):
    """A record to be sent at `due_ms`. `payment` is None where the value is malformed; `reasons` then say how."""

    due_ms: int
    key: bytes
    value: bytes | None
    disposition: Disposition
    kind: str
    payment: Payment | None
    reasons: tuple[Reason, ...] = ()
    version: str = SCHEMA_VERSION


def deliveries(config: SimulationConfig, started_at: datetime) -> Iterator[Delivery]:
    """All that a simulation sends, in sending order; endless where it is steady.

    Args:
        config: what to simulate.
        started_at: the start of sending: the end of a burst's span, the beginning of a steady stream.
    """
    start_ms = to_ms(started_at)
    traffic_rng, fault_rng, spare_rng = (np.random.default_rng([config.seed, start_ms, stream]) for stream in range(3))
    population = populate(config.seed, config.accounts, config.hot_share)
    clock: BurstClock | SteadyClock
    if config.rate is None:
        oldest_ms = start_ms - round(config.span_minutes * 60_000)
        clock = BurstClock(config.events, oldest_ms, start_ms)
        retries, inserts = iter(burst_retries(config, clock, fault_rng)), iter(burst_inserts(config, fault_rng))
    else:
        oldest_ms = start_ms
        clock = SteadyClock(config.rate, start_ms)
        retries, inserts = steady_retries(config, fault_rng), steady_inserts(config, fault_rng)
    payments = mixed_payments(population, clock, config.fraud_rate, traffic_rng)
    spares = Traffic(population, spare_rng).endless(oldest_ms)
    faults = _Faults(spares, oldest_ms, spare_rng)
    sent = _with_inserts(_with_retries(payments, retries, clock.end_ms), inserts, faults, oldest_ms)
    return _with_refunds(sent, config.refund_rate) if config.refund_rate else sent


def _with_retries(payments: Iterator[Payment], retries: Iterator[Retry], end_ms: int | None) -> Iterator[Delivery]:
    """Each payment once, and again where a retry says so, all in order of time and none after `end_ms`."""
    waiting: list[tuple[int, int, Delivery]] = []
    tie = count()
    retry = next(retries, None)
    for rank, payment in enumerate(payments):
        while waiting and waiting[0][0] <= payment.event_ms:
            yield heapq.heappop(waiting)[2]
        key, value = payment.sender.encode(), to_json(payment)
        yield Delivery(payment.event_ms, key, value, Disposition.UNIQUE, DeliveryKind.PAYMENT, payment)
        while retry is not None and retry.rank == rank:
            due_ms = payment.event_ms + retry.delay_ms
            delivery = _retried(payment, retry, due_ms if end_ms is None else min(due_ms, end_ms))
            heapq.heappush(waiting, (delivery.due_ms, next(tie), delivery))
            retry = next(retries, None)
    while waiting:
        yield heapq.heappop(waiting)[2]


def _retried(payment: Payment, retry: Retry, due_ms: int) -> Delivery:
    again = payment if retry.keeps_time else payment.at(due_ms)
    if retry.is_conflict:
        again = again.of_amount(again.amount_minor + 1 + again.amount_minor // 2)
    kind = DeliveryKind.CONFLICT if retry.is_conflict else DeliveryKind.RETRY
    return Delivery(due_ms, again.sender.encode(), to_json(again), Disposition.DUPLICATE, kind, again)


def _with_inserts(
    on_time: Iterator[Delivery], inserts: Iterator[Insert], faults: "_Faults", due_ms: int
) -> Iterator[Delivery]:
    """The stream with its faults, each at its position and due together with the delivery before it."""
    insert = next(inserts, None)
    for position in count():
        if insert is None or insert.position > position:
            delivery = next(on_time, None)
            if delivery is not None:
                due_ms = delivery.due_ms
                yield delivery
                continue
        if insert is None:
            return
        yield faults.delivery(insert.fault, due_ms)
        insert = next(inserts, None)


def _with_refunds(sent: Iterator[Delivery], rate: float) -> Iterator[Delivery]:
    """The stream, and right behind each payment that is refunded its refund: every other one of half the money."""
    payments = refunds = 0
    for delivery in sent:
        yield delivery
        if delivery.kind == DeliveryKind.PAYMENT and delivery.payment is not None:
            payments += 1
            if refunds_among(payments, rate) > refunds:
                refunds += 1
                yield _refund(delivery, delivery.payment, is_partial=refunds % 2 == 0)


def _refund(of: Delivery, payment: Payment, *, is_partial: bool) -> Delivery:
    """Of version 2: that has a kind."""
    amount = max(1, payment.amount_minor // 2) if is_partial else payment.amount_minor
    refund = payment.of_amount(amount)._replace(transaction_id=f"re-{payment.transaction_id}", fraud=None)
    about = f'"kind":"{PaymentKind.REFUND}","original_transaction_id":"{payment.transaction_id}"'
    value = to_json(refund)[:-1] + f",{about}}}".encode()
    return Delivery(of.due_ms, of.key, value, Disposition.UNIQUE, DeliveryKind.REFUND, refund, version=SCHEMA_VERSION_2)


class _Faults:
    """Makes late and malformed deliveries of payments that are nobody else's."""

    def __init__(self, spares: Iterator[Payment], oldest_ms: int, rng: np.random.Generator) -> None:
        self._spares = spares
        self._oldest_ms = oldest_ms
        self._rng = rng
        self._malformations = cycle(one_of_each_first())
        self._sent_late: deque[Payment] = deque(maxlen=100)

    def delivery(self, fault: Fault, due_ms: int) -> Delivery:
        if fault is Fault.MALFORMED:
            return _malformed(next(self._spares).at(due_ms), next(self._malformations), due_ms)
        late = self._late_again() if fault is Fault.LATE_AGAIN and self._sent_late else self._late()
        return Delivery(due_ms, late.sender.encode(), to_json(late), Disposition.LATE, DeliveryKind.LATE, late)

    def _late(self) -> Payment:
        millisecond = timedelta(milliseconds=1)
        lateness_ms = int(self._rng.integers(LATENESS // millisecond, _LATEST // millisecond))
        late = next(self._spares).at(self._oldest_ms - lateness_ms)
        self._sent_late.append(late)
        return late

    def _late_again(self) -> Payment:
        return self._sent_late[int(self._rng.integers(len(self._sent_late)))]


def _malformed(payment: Payment, malformation: Malformation, due_ms: int) -> Delivery:
    key, value = payment.sender.encode(), malformation.apply(payment)
    return Delivery(due_ms, key, value, Disposition.QUARANTINED, malformation.kind, None, malformation.reasons)
