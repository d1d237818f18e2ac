"""The yardsticks of realistic payments that are about accounts, fraud and faults; those of one payment and of the clock
are in test_payments.py."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simulator.config import REAL_FRAUD_RATE, SimulationConfig
from simulator.faults.deliveries import DeliveryKind, deliveries
from simulator.faults.fraud import mixed_payments
from simulator.faults.typologies import Typology
from simulator.population.clock import BurstClock, to_ms
from simulator.population.payments import Payment
from simulator.population.people import CATEGORIES, TRANSFER, populate

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DEFAULTS = SimulationConfig()
TRANSFER_CODE = CATEGORIES[TRANSFER].code


def simulated(fraud_rate: float, seed: int = 5) -> list[Payment]:
    """A week of 59,000 payments by 4,000 accounts: about two a day for each."""
    clock = BurstClock(59_000, to_ms(MONDAY), to_ms(MONDAY + timedelta(days=7)))
    return list(mixed_payments(populate(seed, 4_000), clock, fraud_rate, np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def week() -> list[Payment]:
    return simulated(DEFAULTS.fraud_rate)


def is_by_night(payment: Payment) -> bool:
    return int(payment.event_time[11:13]) < 4


def test_accounts_pay_up_to_four_times_a_day_and_some_hardly_ever(week: list[Payment]) -> None:
    per_day = np.array(list(Counter(p.sender for p in week if not p.fraud).values())) / 7
    assert 1.8 < per_day.mean() < 2.3
    assert np.quantile(per_day, 0.05) < 0.6
    assert 3.5 < np.quantile(per_day, 0.95) < 5


def test_accounts_differ_in_what_they_spend_by_more_than_chance(week: list[Payment]) -> None:
    logs: dict[str, list[float]] = defaultdict(list)
    for payment in week:
        if not payment.fraud and payment.currency == "EUR" and payment.details[-6:-2] != TRANSFER_CODE:
            logs[payment.sender].append(float(np.log(payment.amount_minor)))
    own = [np.array(values) for values in logs.values() if len(values) >= 10]
    assert len(own) > 300
    within = np.mean([values.var(ddof=1) for values in own])
    by_chance = np.mean([values.var(ddof=1) / len(values) for values in own])
    between = np.var([values.mean() for values in own], ddof=1)
    assert by_chance < between < within


def test_fraud_is_as_rare_as_its_presets_say_and_of_every_kind(week: list[Payment]) -> None:
    assert 0.001 <= DEFAULTS.fraud_rate <= 0.005
    kinds = Counter(payment.fraud for payment in week if payment.fraud)
    assert set(kinds) == set(Typology)
    assert 0.001 <= kinds.total() / len(week) <= 0.005


def test_real_fraud_is_fifteen_in_a_hundred_thousand() -> None:
    assert REAL_FRAUD_RATE == 0.00015
    assert 0 < sum(payment.fraud is not None for payment in simulated(REAL_FRAUD_RATE)) <= 0.00015 * 59_000


def test_fraud_works_by_night_more_than_honest_people_do() -> None:
    mixed = simulated(0.02)
    fraud, honest = ([p for p in mixed if (p.fraud is not None) is guilty] for guilty in (True, False))
    assert np.mean([is_by_night(p) for p in fraud]) > 2 * np.mean([is_by_night(p) for p in honest])


def test_duplicates_have_the_delay_mix_of_real_retries() -> None:
    config = SimulationConfig(events=60_000, retry_rate=0.1)
    stream = list(deliveries(config, MONDAY))
    first = {d.payment.transaction_id: d.due_ms for d in stream if d.kind == DeliveryKind.PAYMENT and d.payment}
    again = [d for d in stream if d.kind in (DeliveryKind.RETRY, DeliveryKind.CONFLICT)]
    delays = np.array([d.due_ms - first[d.payment.transaction_id] for d in again if d.payment]) / 1000
    shares = [np.mean(delays <= 60), np.mean((delays > 60) & (delays <= 600)), np.mean(delays > 600)]
    assert shares == pytest.approx([0.80, 0.15, 0.05], abs=0.02)
    assert delays.min() > 0
    assert delays.max() < 3_300
    assert np.mean([d.kind == DeliveryKind.CONFLICT for d in again]) == pytest.approx(0.02, abs=0.006)


def test_faults_are_as_rare_as_the_yardsticks_say() -> None:
    assert 0.01 <= DEFAULTS.retry_rate <= 0.02
    assert DEFAULTS.conflict_share == 0.02
    assert DEFAULTS.late_rate == 0.003
