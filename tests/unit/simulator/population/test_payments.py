"""Ordinary payments: reproducible, valid, and as uneven as real ones."""

import json
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import islice

import numpy as np
import pytest

from simulator.config import SimulationConfig
from simulator.faults.deliveries import DeliveryKind, deliveries
from simulator.faults.fraud import mixed_payments
from simulator.population.clock import BurstClock, SteadyClock, rfc3339, rfc3339_all, to_ms
from simulator.population.payments import Payment, decimal_text, to_json, transaction_ids
from simulator.population.people import CATEGORIES, COUNTRIES, TRANSFER, populate
from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import V1_FIELDS

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
EVERYDAY = [category.code for category in CATEGORIES[:TRANSFER]]


@pytest.fixture(scope="module")
def week() -> list[Payment]:
    """A week of 60,000 payments by 1,000 accounts, without fraud."""
    clock = BurstClock(60_000, to_ms(MONDAY), to_ms(MONDAY + timedelta(days=7)))
    return list(mixed_payments(populate(5, 1_000), clock, 0.0, np.random.default_rng(5)))


@pytest.fixture(scope="module")
def events(week: list[Payment]) -> list[dict[str, str]]:
    """The same week as a consumer sees it."""
    return [json.loads(to_json(payment)) for payment in week]


def sent(seed: int, started_at: datetime) -> list[tuple[bytes, bytes | None]]:
    return [(d.key, d.value) for d in deliveries(SimulationConfig(events=2_000, seed=seed), started_at)]


def logs_by_category(week: list[Payment], currency: str = "EUR") -> dict[str, np.ndarray]:
    amounts: dict[str, list[int]] = defaultdict(list)
    for payment in week:
        if payment.currency == currency:
            amounts[payment.details[-6:-2]].append(payment.amount_minor)
    return {code: np.log(values) for code, values in amounts.items()}


def test_the_same_seed_and_start_give_the_same_bytes() -> None:
    assert sent(7, MONDAY) == sent(7, MONDAY)


@pytest.mark.parametrize(("seed", "started_at"), [(8, MONDAY), (7, MONDAY + timedelta(seconds=1))])
def test_another_seed_or_start_gives_other_transaction_ids(seed: int, started_at: datetime) -> None:
    ids = [re.findall(rb'"transaction_id":"([^"]+)"', value) for _, value in sent(7, MONDAY) if value]
    others = [re.findall(rb'"transaction_id":"([^"]+)"', value) for _, value in sent(seed, started_at) if value]
    uuids = {found[0] for found in ids if found and len(found[0]) == 36}
    assert len(uuids) > 1_900
    assert not uuids & {found[0] for found in others if found}


def test_a_steady_stream_has_the_same_bytes_again() -> None:
    config = SimulationConfig(rate=100, late_rate=0.1)
    first, second = ([d.value for d in islice(deliveries(config, MONDAY), 9_000)] for _ in range(2))
    assert first == second


def test_every_field_of_an_event_keeps_the_contract(events: list[dict[str, str]]) -> None:
    for field in V1_FIELDS:
        values = {event[field.name] for event in events if field.name in event}
        assert values, field.name
        assert not field.required or all(field.name in event for event in events)
        if field.pattern:
            assert all(re.fullmatch(field.pattern, value) for value in values), field.name
        if field.values:
            assert values <= set(field.values)


def test_amounts_have_the_decimals_of_their_currency(events: list[dict[str, str]]) -> None:
    decimals = {(e["currency"], len(e["amount"].partition(".")[2])) for e in events}
    assert decimals == {(country.currency, MINOR_UNITS[country.currency]) for country in COUNTRIES}
    assert {"JPY", "KWD"} <= {currency for currency, _ in decimals}


def test_the_amount_in_the_event_is_the_amount_in_minor_units(week: list[Payment]) -> None:
    for payment in week[::100]:
        assert int(payment.amount.replace(".", "")) == payment.amount_minor > 0


def test_values_are_compact_json_of_the_contracts_fields_in_order(week: list[Payment]) -> None:
    names = [field.name for field in V1_FIELDS]
    for payment in week[::500]:
        value = to_json(payment)
        assert value == json.dumps(json.loads(value), separators=(",", ":")).encode()
        assert list(json.loads(value)) == [name for name in names if name in json.loads(value)]


def test_ids_are_distinct_and_payments_are_in_order(week: list[Payment]) -> None:
    assert len({payment.transaction_id for payment in week}) == len(week) == 60_000
    times = [payment.event_ms for payment in week]
    assert times == sorted(times)
    assert to_ms(MONDAY) <= times[0] <= times[-1] <= to_ms(MONDAY + timedelta(days=7))


@pytest.mark.parametrize("code", [category.code for category in CATEGORIES])
def test_log_amounts_of_a_category_are_not_skewed(week: list[Payment], code: str) -> None:
    logs = logs_by_category(week)[code]
    assert len(logs) > 300
    assert abs(np.mean(((logs - logs.mean()) / logs.std()) ** 3)) < 0.5


@pytest.mark.parametrize("code", EVERYDAY)
def test_everyday_amounts_vary_by_about_their_mean(week: list[Payment], code: str) -> None:
    amounts = np.exp(logs_by_category(week)[code])
    assert 0.7 <= amounts.std() / amounts.mean() <= 1.0


def test_transfers_vary_by_more_than_twice_their_mean(week: list[Payment]) -> None:
    amounts = np.exp(logs_by_category(week)[CATEGORIES[TRANSFER].code])
    assert 2.0 <= amounts.std() / amounts.mean() <= 3.0


def test_more_than_a_fifth_of_prices_are_round_or_just_below(week: list[Payment]) -> None:
    prices = [payment.amount for payment in week if MINOR_UNITS[payment.currency] == 2]
    assert 0.2 < sum(price.endswith((".00", ".99")) for price in prices) / len(prices) < 0.5


def test_the_day_has_a_peak_and_a_night(week: list[Payment]) -> None:
    hours = Counter(payment.event_time[11:13] for payment in week)
    assert 2 <= max(hours.values()) / (len(week) / 24) <= 3.1
    assert sum(hours[hour] for hour in ("03", "04", "05")) / len(week) < 0.02


def test_the_week_has_a_weekend(week: list[Payment]) -> None:
    days = Counter(payment.event_time[:10] for payment in week)
    monday, *_, saturday, sunday = (days[f"2026-11-{day}"] for day in range(16, 23))
    assert 1.5 <= (saturday + sunday) / 2 / monday <= 2.2


def test_merchants_are_as_uneven_as_zipfs_law(week: list[Payment]) -> None:
    counts = Counter(payment.receiver for payment in week if payment.receiver.startswith("mer-"))
    top = np.array([count for _, count in counts.most_common(100)])
    exponent = -np.polyfit(np.log(np.arange(1, 101)), np.log(top), 1)[0]
    assert 0.8 <= exponent <= 1.2
    assert top[0] / len(week) >= 0.01


def test_accounts_have_habits(events: list[dict[str, str]]) -> None:
    by_account = defaultdict(list)
    for event in events:
        by_account[event["sender_account_id"]].append(event)
    busy = [own for own in by_account.values() if len(own) >= 50]
    assert len(busy) > 300
    tops = [Counter(e["receiver_account_id"] for e in own).most_common(1)[0][1] / len(own) for own in busy]
    assert np.mean(tops) > 0.2
    assert all(len({e["currency"] for e in own}) == 1 for own in busy)
    devices = [Counter(e["device_id"] for e in own if e["device_id"].startswith("dev-")) for own in busy]
    assert np.mean([sum(n for _, n in used.most_common(2)) / used.total() for used in devices]) > 0.99
    assert 0.01 < np.mean([len(used) > 2 for used in devices]) < 0.5
    at_home = [Counter(e["country"] for e in own).most_common(1)[0][1] / len(own) for own in busy]
    assert 0.9 < np.mean(at_home) < 1


def test_nobody_pays_himself_and_both_kinds_of_address_occur(events: list[dict[str, str]]) -> None:
    assert all(event["sender_account_id"] != event["receiver_account_id"] for event in events)
    addresses = [event["ip_address"] for event in events if "ip_address" in event]
    assert 0.01 < sum(":" in address for address in addresses) / len(addresses) < 0.5


def test_a_steady_clock_is_even_and_endless() -> None:
    blocks = SteadyClock(rate=40, start_ms=1_000).blocks(np.random.default_rng(1))
    times = np.concatenate(list(islice(blocks, 3)))
    assert times[0] == 1_000
    assert set(np.diff(times)) == {25}


def test_times_are_written_alike_one_by_one_and_in_blocks() -> None:
    times = np.array([0, 999, 1_795_238_892_123])
    assert rfc3339_all(times) == [rfc3339(int(time)) for time in times]
    assert rfc3339(1_795_238_892_123) == "2026-11-21T05:28:12.123Z"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(5, "EUR", "0.05"), (1234, "EUR", "12.34"), (7, "JPY", "7"), (1005, "KWD", "1.005"), (12345, "CLF", "1.2345")],
)
def test_minor_units_become_decimal_text(minor: int, currency: str, text: str) -> None:
    assert decimal_text(minor, currency) == text


def test_transaction_ids_are_random_uuids() -> None:
    pattern = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    assert all(re.fullmatch(pattern, id_) for id_ in transaction_ids(np.random.default_rng(2), 500))


def test_only_original_payments_count_as_events() -> None:
    kinds = Counter(d.kind for d in deliveries(SimulationConfig(events=3_000), MONDAY))
    assert kinds[DeliveryKind.PAYMENT] == 3_000
