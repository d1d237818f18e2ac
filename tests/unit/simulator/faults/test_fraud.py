"""Labelled fraud: every typology looks like what its name says."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from simulator.faults.fraud import mixed_payments
from simulator.faults.typologies import Typology
from simulator.population.clock import BurstClock, to_ms
from simulator.population.payments import Payment, to_json
from simulator.population.people import populate

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)


def payments(events: int, fraud_rate: float, hours: float = 24) -> list[Payment]:
    clock = BurstClock(events, to_ms(MONDAY), to_ms(MONDAY + timedelta(hours=hours)))
    return list(mixed_payments(populate(3, 2_000), clock, fraud_rate, np.random.default_rng(3)))


@pytest.fixture(scope="module")
def day() -> list[Payment]:
    """A day of 60,000 payments, 2 % of them fraudulent."""
    return payments(60_000, 0.02)


@pytest.fixture(scope="module")
def labelled(day: list[Payment]) -> dict[str, list[dict[str, str]]]:
    """The fraudulent events of that day by typology, in order of time."""
    found = defaultdict(list)
    for payment in day:
        if payment.fraud:
            found[payment.fraud].append(json.loads(to_json(payment)))
    return found


def at(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["event_time"])


def cents(event: dict[str, str]) -> int:
    return int(event["amount"].replace(".", ""))


def grouped(events: list[dict[str, str]], *names: str) -> list[list[dict[str, str]]]:
    groups = defaultdict(list)
    for event in events:
        groups[tuple(event[name] for name in names)].append(event)
    return list(groups.values())


@pytest.mark.parametrize("rate", [0.003, 0.02])
def test_fraud_has_its_rate_and_takes_the_place_of_payments(rate: float) -> None:
    mixed = payments(40_000, rate)
    assert len(mixed) == 40_000
    assert 0.8 * rate <= sum(p.fraud is not None for p in mixed) / len(mixed) <= rate
    assert [p.event_ms for p in mixed] == sorted(p.event_ms for p in mixed)


def test_no_fraud_where_none_is_wanted() -> None:
    assert not any(payment.fraud for payment in payments(5_000, 0))


def test_every_typology_occurs_even_in_a_short_burst_by_night() -> None:
    assert {p.fraud for p in payments(40_000, 0.003, hours=50 / 60)} == {None, *Typology}


def test_the_night_shift_has_its_turn_wherever_there_is_a_night() -> None:
    kinds = Counter(payment.fraud for payment in payments(20_000, 0.02, hours=14 * 24))
    assert kinds[Typology.NIGHT_SHIFT] > 0.5 * kinds[Typology.ACCOUNT_TAKEOVER] > 0


def test_episodes_end_within_the_span() -> None:
    end_ms = to_ms(MONDAY + timedelta(minutes=3))
    assert max(p.event_ms for p in payments(5_000, 0.2, hours=0.05)) <= end_ms


def test_the_label_is_not_in_the_event(day: list[Payment]) -> None:
    for payment in day:
        if payment.fraud:
            assert payment.fraud.encode() not in to_json(payment)
            assert b"fraud" not in to_json(payment)


def test_card_testing_is_a_burst_of_tiny_amounts_on_one_card(labelled: dict[str, list[dict[str, str]]]) -> None:
    bursts = grouped(labelled[Typology.CARD_TESTING], "sender_account_id", "device_id")
    assert all(8 <= len(burst) <= 15 for burst in bursts)
    assert all(at(burst[-1]) - at(burst[0]) < timedelta(minutes=5) for burst in bursts)
    assert all(cents(e) <= 250 for burst in bursts for e in burst if e["currency"] == "EUR")


def test_a_taken_over_account_spends_much_more_on_a_new_device_abroad(
    day: list[Payment], labelled: dict[str, list[dict[str, str]]]
) -> None:
    usual = np.median([p.amount_minor for p in day if not p.fraud and p.currency == "EUR"])
    known = defaultdict(set)
    for payment in day:
        if not payment.fraud:
            known[payment.sender].add(json.loads(to_json(payment))["device_id"])
    for event in labelled[Typology.ACCOUNT_TAKEOVER]:
        assert event["device_id"] not in known[event["sender_account_id"]]
        assert event["currency"] != "EUR" or cents(event) >= 5 * usual
    assert all(len(g) >= 4 for g in grouped(labelled[Typology.ACCOUNT_TAKEOVER], "device_id"))


def test_impossible_travel_follows_a_genuine_payment_elsewhere_within_minutes(
    day: list[Payment], labelled: dict[str, list[dict[str, str]]]
) -> None:
    travels = labelled[Typology.IMPOSSIBLE_TRAVEL]
    victims = {event["sender_account_id"] for event in travels}
    genuine = defaultdict(list)
    for payment in day:
        if payment.sender in victims and not payment.fraud:
            genuine[payment.sender].append(json.loads(to_json(payment)))
    assert travels
    for travel in travels:
        assert any(
            event["country"] != travel["country"] and timedelta() < at(travel) - at(event) <= timedelta(minutes=10)
            for event in genuine[travel["sender_account_id"]]
        )


def test_a_shared_device_pays_for_many_accounts(labelled: dict[str, list[dict[str, str]]]) -> None:
    for group in grouped(labelled[Typology.SHARED_DEVICE], "device_id"):
        assert len({event["sender_account_id"] for event in group}) == len(group) >= 6


def test_a_shared_address_pays_for_many_accounts_each_on_a_device_of_its_own(
    labelled: dict[str, list[dict[str, str]]],
) -> None:
    for group in grouped(labelled[Typology.SHARED_ADDRESS], "ip_address"):
        accounts, devices = ({event[name] for event in group} for name in ("sender_account_id", "device_id"))
        assert len(accounts) == len(devices) == len(group) >= 6


def test_a_spending_spree_is_many_payments_within_minutes_on_a_device_that_the_account_has(
    labelled: dict[str, list[dict[str, str]]],
) -> None:
    own = {d.id for d in populate(3, 2_000).devices}
    sprees = grouped(labelled[Typology.SPENDING_SPREE], "sender_account_id", "device_id")
    assert all(len(spree) >= 6 and spree[0]["device_id"] in own for spree in sprees)
    assert all(at(spree[9]) - at(spree[0]) < timedelta(minutes=25) for spree in sprees if len(spree) == 10)


def test_a_scam_is_one_large_transfer_from_the_owners_device(labelled: dict[str, list[dict[str, str]]]) -> None:
    own = {d.id for d in populate(3, 2_000).devices}
    for event in labelled[Typology.PAYEE_SCAM]:
        assert (event["payment_method"], event["device_id"] in own) == ("bank_transfer", True)
        assert event["currency"] != "EUR" or cents(event) > 300_000


def test_money_leaves_a_mule_within_minutes_of_its_arrival(labelled: dict[str, list[dict[str, str]]]) -> None:
    hops = labelled[Typology.MULE_CHAIN]
    passed_on = [
        (into, out)
        for into in hops
        for out in hops
        if into["receiver_account_id"] == out["sender_account_id"]
        and timedelta() < at(out) - at(into) <= timedelta(minutes=5)
    ]
    assert len(passed_on) >= len(hops) // 2
    assert all(cents(out) < cents(into) for into, out in passed_on if into["currency"] == out["currency"])


def test_the_night_shift_works_at_night(labelled: dict[str, list[dict[str, str]]]) -> None:
    assert labelled[Typology.NIGHT_SHIFT]
    assert all(at(event).hour < 5 for event in labelled[Typology.NIGHT_SHIFT])
