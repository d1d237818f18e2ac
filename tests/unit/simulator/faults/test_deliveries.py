"""Deliveries: each fault is labelled with what the pipeline must make of it, however the stream is cut."""

import hashlib
import json
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice

import pyarrow as pa
import pytest

from simulator.config import SimulationConfig
from simulator.faults.deliveries import LATENESS, Delivery, DeliveryKind, deliveries
from simulator.faults.plan import LATE_AFTER_SECONDS, burst_size
from simulator.population.clock import to_ms
from spark_jobs.contract.payment_event import WATERMARK_DELAY, Disposition
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import validate
from tests.unit.simulator.faults.test_malformed import HELD_FOR

NOW = datetime(2026, 11, 21, 0, 20, tzinfo=UTC)
NOW_MS = to_ms(NOW)
SPAN_MS = 50 * 60_000
MANY_FAULTS = SimulationConfig(
    events=6_000, seed=11, retry_rate=0.2, conflict_share=0.2, late_rate=0.05, malformed_rate=0.05, accounts=500
)


@pytest.fixture(scope="module")
def burst() -> list[Delivery]:
    """A burst with the default rates."""
    return list(deliveries(SimulationConfig(events=20_000, seed=7), NOW))


@pytest.fixture(scope="module")
def faulty() -> list[Delivery]:
    """A burst with far more faults than usual."""
    return list(deliveries(MANY_FAULTS, NOW))


def of_kind(stream: list[Delivery], *kinds: DeliveryKind) -> list[Delivery]:
    return [delivery for delivery in stream if delivery.kind in kinds]


def event_ms(delivery: Delivery) -> int:
    assert delivery.payment
    return delivery.payment.event_ms


def transaction_id(delivery: Delivery) -> str:
    assert delivery.payment
    return delivery.payment.transaction_id


def test_a_burst_has_exactly_its_rates(burst: list[Delivery]) -> None:
    counts = Counter(delivery.disposition for delivery in burst)
    assert counts == {
        Disposition.UNIQUE: 20_000,
        Disposition.DUPLICATE: 300,
        Disposition.LATE: 60 + 12,
        Disposition.QUARANTINED: 40,
    }
    assert len(burst) == burst_size(SimulationConfig(events=20_000))


def test_a_burst_of_the_usual_size_has_every_reason(burst: list[Delivery]) -> None:
    assert {reason for delivery in burst for reason in delivery.reasons} == HELD_FOR


def test_each_kind_has_its_disposition(faulty: list[Delivery]) -> None:
    expected = {
        DeliveryKind.PAYMENT: Disposition.UNIQUE,
        DeliveryKind.RETRY: Disposition.DUPLICATE,
        DeliveryKind.CONFLICT: Disposition.DUPLICATE,
        DeliveryKind.LATE: Disposition.LATE,
    }
    assert set(expected) < {delivery.kind for delivery in faulty}
    for delivery in faulty:
        is_malformed = delivery.kind.startswith("malformed:")
        assert delivery.disposition == (
            Disposition.QUARANTINED if is_malformed else expected[DeliveryKind(delivery.kind)]
        )
        assert is_malformed == bool(delivery.reasons) == (delivery.payment is None)


def test_the_value_says_what_the_label_says(faulty: list[Delivery]) -> None:
    for delivery in faulty:
        if delivery.payment:
            event = json.loads(delivery.value or b"")
            assert event["transaction_id"] == delivery.payment.transaction_id
            assert event["event_time"] == delivery.payment.event_time
            assert event["sender_account_id"].encode() == delivery.key
            assert event["currency"] == delivery.payment.currency
            assert int(event["amount"].replace(".", "")) == delivery.payment.amount_minor


def test_a_retry_never_precedes_its_original_and_keeps_its_key(faulty: list[Delivery]) -> None:
    originals: dict[str, Delivery] = {}
    for delivery in faulty:
        if delivery.kind == DeliveryKind.PAYMENT:
            assert originals.setdefault(transaction_id(delivery), delivery) is delivery
        elif delivery.kind in (DeliveryKind.RETRY, DeliveryKind.CONFLICT):
            original = originals[transaction_id(delivery)]
            assert delivery.key == original.key
            assert event_ms(delivery) >= event_ms(original)
            assert delivery.due_ms >= original.due_ms


def test_a_retry_repeats_everything_but_perhaps_its_time(faulty: list[Delivery]) -> None:
    originals = {transaction_id(delivery): delivery for delivery in of_kind(faulty, DeliveryKind.PAYMENT)}
    same_time = 0
    retries = of_kind(faulty, DeliveryKind.RETRY)
    for retry in retries:
        original = originals[transaction_id(retry)]
        same_time += retry.value == original.value
        assert retry.payment
        assert retry.payment.at(event_ms(original)) == original.payment
        assert event_ms(retry) in (event_ms(original), retry.due_ms)
    assert 0.4 < same_time / len(retries) < 0.6


def test_a_conflict_says_another_amount(faulty: list[Delivery]) -> None:
    originals = {transaction_id(delivery): delivery.payment for delivery in of_kind(faulty, DeliveryKind.PAYMENT)}
    conflicts = of_kind(faulty, DeliveryKind.CONFLICT)
    assert 0.15 < len(conflicts) / len(of_kind(faulty, DeliveryKind.RETRY, DeliveryKind.CONFLICT)) < 0.25
    for conflict in conflicts:
        original = originals[transaction_id(conflict)]
        assert conflict.payment
        assert original
        assert conflict.payment.amount_minor != original.amount_minor
        assert conflict.payment.at(0).of_amount(1) == original.at(0).of_amount(1)


def test_retries_come_back_after_the_usual_delays() -> None:
    stream = list(deliveries(SimulationConfig(events=20_000, retry_rate=0.2), NOW))
    sent_ms = {transaction_id(delivery): delivery.due_ms for delivery in of_kind(stream, DeliveryKind.PAYMENT)}
    delays = [delivery.due_ms - sent_ms[transaction_id(delivery)] for delivery in of_kind(stream, DeliveryKind.RETRY)]
    assert 0.77 < sum(delay <= 60_000 for delay in delays) / len(delays) < 0.83
    assert 0.03 < sum(delay > 600_000 for delay in delays) / len(delays) < 0.07
    assert max(delays) <= 45 * 60_000


def test_on_time_events_lie_within_the_span_that_ends_now(faulty: list[Delivery]) -> None:
    times = [
        event_ms(delivery)
        for delivery in of_kind(faulty, DeliveryKind.PAYMENT, DeliveryKind.RETRY, DeliveryKind.CONFLICT)
    ]
    assert min(times) >= NOW_MS - SPAN_MS
    assert max(times) <= NOW_MS
    assert [d.due_ms for d in faulty] == sorted(d.due_ms for d in faulty)


def test_late_events_come_in_the_last_third_and_are_older_than_the_span(faulty: list[Delivery]) -> None:
    positions = [position for position, delivery in enumerate(faulty) if delivery.kind == DeliveryKind.LATE]
    assert min(positions) >= 0.7 * len(faulty)
    assert max(event_ms(faulty[p]) for p in positions) <= NOW_MS - SPAN_MS - LATENESS // timedelta(milliseconds=1)
    assert timedelta(minutes=75) <= LATENESS


def test_some_late_events_are_sent_twice_and_none_is_ever_on_time(faulty: list[Delivery]) -> None:
    late = Counter(transaction_id(delivery) for delivery in of_kind(faulty, DeliveryKind.LATE))
    assert set(late.values()) >= {1, 2}
    assert not late.keys() & {transaction_id(delivery) for delivery in of_kind(faulty, DeliveryKind.PAYMENT)}


def test_faults_can_be_turned_off() -> None:
    config = SimulationConfig(events=500, retry_rate=0, late_rate=0, malformed_rate=0, fraud_rate=0)
    assert {(d.kind, d.disposition) for d in deliveries(config, NOW)} == {(DeliveryKind.PAYMENT, Disposition.UNIQUE)}


@pytest.mark.parametrize("events", [1, 2, 3, 10, 99])
@pytest.mark.parametrize("rate", [0.2, 0.02])
def test_small_bursts_keep_their_promises_too(events: int, rate: float) -> None:
    config = SimulationConfig(events=events, retry_rate=rate, late_rate=rate, malformed_rate=rate, span_minutes=1)
    stream = list(deliveries(config, NOW))
    assert len(stream) == burst_size(config)
    assert len(of_kind(stream, DeliveryKind.PAYMENT)) == events
    late = [position for position, delivery in enumerate(stream) if delivery.kind == DeliveryKind.LATE]
    assert all(position >= 0.7 * len(stream) for position in late)


def tagged(batches: list[list[Delivery]]) -> list[tuple[Delivery, Disposition]]:
    """The rules of the pipeline once more, in plain Python, over whole micro-batches."""
    seen: set[str] = set()
    newest: int | None = None
    result = []
    for batch in batches:
        watermark = None if newest is None else newest - WATERMARK_DELAY // timedelta(milliseconds=1)
        valid = [delivery for delivery in batch if delivery.payment]
        late = [d for d in valid if watermark is not None and event_ms(d) < watermark]
        on_time = [d for d in valid if watermark is None or event_ms(d) >= watermark]
        result += [(d, Disposition.QUARANTINED) for d in batch if not d.payment]
        # The sort is stable: within a partition, which a key never leaves, equal times stay in the order of sending.
        for delivery in sorted(on_time, key=event_ms):
            is_known = transaction_id(delivery) in seen
            result.append((delivery, Disposition.DUPLICATE if is_known else Disposition.UNIQUE))
            seen.add(transaction_id(delivery))
        for delivery in late:
            is_known = transaction_id(delivery) in seen
            result.append((delivery, Disposition.DUPLICATE if is_known else Disposition.LATE))
        newest = max([*map(event_ms, valid), *([] if newest is None else [newest])], default=None)
    return result


def cut(stream: list[Delivery], batches: int, seed: int) -> list[list[Delivery]]:
    """Micro-batches of a topic with four partitions, each partition cut unevenly."""
    rng = random.Random(seed)  # noqa: S311
    partitions = defaultdict(list)
    for delivery in stream:
        partitions[hashlib.sha256(delivery.key).digest()[0] % 4].append(delivery)
    parts: list[list[Delivery]] = [[] for _ in range(batches)]
    for own in partitions.values():
        jitter = 0.4 / batches
        bounds = [int(len(own) * (i / batches + rng.uniform(-jitter, jitter))) for i in range(1, batches)]
        for part, start, end in zip(parts, [0, *bounds], [*bounds, len(own)], strict=True):
            part += own[start:end]
    return parts


@pytest.mark.parametrize("batches", [4, 5, 9, 30])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_dispositions_hold_however_the_stream_is_cut(faulty: list[Delivery], batches: int, seed: int) -> None:
    judged = tagged(cut(faulty, batches, seed))
    assert len(judged) == len(faulty)
    assert [(d.kind, d.disposition, found) for d, found in judged if found != d.disposition] == []


def test_a_steady_stream_is_as_even_as_its_rate_and_late_only_after_a_minute() -> None:
    config = SimulationConfig(rate=5, retry_rate=0.05, late_rate=0.05, malformed_rate=0.05, accounts=200)
    stream = list(islice(deliveries(config, NOW), 12_000))
    late = of_kind(stream, DeliveryKind.LATE)
    assert min(delivery.due_ms for delivery in late) >= NOW_MS + LATE_AFTER_SECONDS * 1000
    assert max(map(event_ms, late)) <= NOW_MS - LATENESS // timedelta(milliseconds=1)
    payments = of_kind(stream, DeliveryKind.PAYMENT)
    assert all(delivery.due_ms == event_ms(delivery) for delivery in payments)
    seconds = (payments[-1].due_ms - NOW_MS) / 1000
    assert len(payments) / seconds == pytest.approx(5, rel=0.02)
    assert len(of_kind(stream, DeliveryKind.RETRY)) / len(payments) == pytest.approx(0.05, rel=0.3)
    assert [found for d, found in tagged(cut(stream, 60, 1)) if found != d.disposition] == []


@pytest.mark.parametrize(("events", "rate"), [(400, 0.1), (7, 0.3), (3, 1.0), (50, 0.0)])
def test_refunds_are_events_of_version_2_behind_their_payments(events: int, rate: float) -> None:
    config = SimulationConfig(events=events, refund_rate=rate)
    stream = list(deliveries(config, NOW))
    assert len(stream) == burst_size(config)
    refunds = [at for at, delivery in enumerate(stream) if delivery.kind == DeliveryKind.REFUND]
    assert len(refunds) == int(events * rate)
    for at in refunds:
        paid, refund = (json.loads(delivery.value or b"") for delivery in stream[at - 1 : at + 1])
        assert (refund["kind"], refund["original_transaction_id"]) == ("refund", paid["transaction_id"])
        assert Decimal(refund["amount"]) <= Decimal(paid["amount"])
        assert stream[at].key == stream[at - 1].key, "the same partition, so it comes behind"
    read = parse([stream[at].value for at in refunds], versions=pa.array(["2"] * len(refunds), pa.string()))
    times = pa.array([NOW_MS * 1_000] * len(refunds), pa.timestamp("us", "UTC"))
    assert validate(read, times)["reasons"].to_pylist() == [[]] * len(refunds)
    assert {delivery.version for delivery in stream if delivery.kind == DeliveryKind.REFUND} <= {"2"}
    assert {delivery.version for delivery in stream if delivery.kind != DeliveryKind.REFUND} == {"1"}


def test_without_refunds_the_stream_is_what_it_always_was(burst: list[Delivery]) -> None:
    assert [d.value for d in deliveries(SimulationConfig(events=20_000, seed=7, refund_rate=0), NOW)] == [
        d.value for d in burst
    ]
    refunded = deliveries(SimulationConfig(events=20_000, seed=7, refund_rate=0.5), NOW)
    assert [d.value for d in refunded if d.kind != DeliveryKind.REFUND] == [d.value for d in burst]
