"""Valid payments, drawn from a seed in blocks: the same seed and start give the same bytes.

Belongs here: a payment, its JSON, and ordinary traffic. Does not belong here: fraud (faults), anything sent twice,
late or broken (faults). Draws are floats; what is in an event is built from integer minor units.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.population.clock import BLOCK, Times, rfc3339, rfc3339_all
from simulator.population.people import (
    CASH,
    CATEGORIES,
    CONTACTS,
    COUNTRIES,
    FAVOURITES,
    TRANSFER,
    Floats,
    Ints,
    Population,
    Texts,
    method_json,
    other_account,
    place_json,
)
from spark_jobs.contract.iso_codes import MINOR_UNITS

_DAY_MS = 86_400_000
_HABIT_SHARES = np.cumsum([0.30, 0.14, 0.09, 0.06, 0.05, 0.05, 0.02])
"""How often an account pays each of its favourites and contacts; else it explores."""

_EXPLORE_TRANSFER = 0.07
_SECOND_DEVICE = 0.15
_BORROWED_DEVICE = 0.004
"""Share of payments away from terminals that are made on another account's device."""

_TRIP = 0.015
"""Share of days that an account spends in another country."""

_LIMIT = 3.0
"""Amounts stop at so many deviations: every account has its limit."""

_ENDS_IN_99, _ENDS_IN_00 = 0.17, 0.32
"""Cumulative shares of the price endings, where the currency has two decimals."""

_METHODS = ("card", "wallet", "bank_transfer", "cash")
_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint8).reshape(256, 2)
_UUID_COLUMNS = np.array([c for c in range(36) if c not in (8, 13, 18, 23)])


class Payment(NamedTuple):
    """A valid payment. `details` is the tail of its JSON, from the currency on; `fraud` is its typology, if any."""

    transaction_id: str
    event_ms: int
    event_time: str
    sender: str
    receiver: str
    amount: str
    amount_minor: int
    currency: str
    details: str
    fraud: str | None

    def at(self, event_ms: int) -> "Payment":
        """The same payment, made at another time."""
        return self._replace(event_ms=event_ms, event_time=rfc3339(event_ms))

    def of_amount(self, amount_minor: int) -> "Payment":
        """The same payment, of another amount."""
        return self._replace(amount_minor=amount_minor, amount=decimal_text(amount_minor, self.currency))


def to_json(payment: Payment) -> bytes:
    """The value of the payment's Kafka record: compact JSON in UTF-8."""
    transaction_id, _, event_time, sender, receiver, amount, _, _, details, _ = payment
    return (
        f'{{"transaction_id":"{transaction_id}","event_time":"{event_time}","sender_account_id":"{sender}",'
        f'"receiver_account_id":"{receiver}","amount":"{amount}",{details}'
    ).encode()


def decimal_text(amount_minor: int, currency: str) -> str:
    """Minor units as the decimal string that events carry."""
    decimals = MINOR_UNITS[currency]
    whole, rest = divmod(amount_minor, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)


def transaction_ids(rng: np.random.Generator, count: int) -> list[str]:
    """Random UUIDs (version 4) as text."""
    octets = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    text[:, _UUID_COLUMNS] = _HEX[octets].reshape(count, 32)
    joined = text.tobytes().decode("ascii")
    return [joined[start : start + 36] for start in range(0, 36 * count, 36)]


class Traffic:
    """Ordinary payments of a population, drawn block by block."""

    def __init__(self, population: Population, rng: np.random.Generator) -> None:
        """Prepare the tables that a block looks up."""
        self._population = population
        self._rng = rng
        codes = [c.code for c in CATEGORIES]
        self._places = _texts([place_json(a.currency, b.code) for a in COUNTRIES for b in COUNTRIES])
        self._endings = _texts([method_json(method, code) for code in codes for method in _METHODS])
        self._medians = np.log([c.median_euro_cents for c in CATEGORIES])
        self._sigmas = np.array([c.sigma for c in CATEGORIES])
        self._at_terminal = np.array([c.at_terminal for c in CATEGORIES])
        self._currencies = _texts([c.currency for c in COUNTRIES])
        decimals = np.array([MINOR_UNITS[c.currency] for c in COUNTRIES])
        self._units = 10**decimals
        self._fractions = _texts(["", *(f".{cents:02d}" for cents in range(100)), *(f".{m:03d}" for m in range(1000))])
        self._first_fraction = np.array([{0: 0, 2: 1, 3: 101}[d] for d in decimals.tolist()])

    def block(self, times: Times) -> list[Payment]:
        """One payment for each of the times, in their order."""
        population, rng, count = self._population, self._rng, len(times)
        account = np.minimum(np.searchsorted(population.activity, rng.random(count)), len(population.accounts) - 1)
        receiver = self._receivers(account)
        category = population.category[receiver]
        country = population.country[account]
        minor = self._amounts(account, category, self._units[country] == 100)
        whole, rest = np.divmod(minor, self._units[country])
        device, method = self._devices(account, receiver, category)
        columns = zip(
            transaction_ids(rng, count),
            times.tolist(),
            rfc3339_all(times),
            population.receivers[population.merchants + account].tolist(),
            population.receivers[receiver].tolist(),
            whole.tolist(),
            self._fractions[self._first_fraction[country] + rest].tolist(),
            minor.tolist(),
            self._currencies[country].tolist(),
            self._places[country * len(COUNTRIES) + self._whereabouts(account, country, times)].tolist(),
            population.device_json[device].tolist(),
            self._endings[category * len(_METHODS) + method].tolist(),
            strict=True,
        )
        return [
            Payment(id_, ms, time, sender, to, f"{units}{fraction}", amount, currency, place + device + ending, None)
            for id_, ms, time, sender, to, units, fraction, amount, currency, place, device, ending in columns
        ]

    def endless(self, time_ms: int) -> Iterator[Payment]:
        """Payments to be made something else of, all at one time, drawn as they are asked for."""
        while True:
            yield from self.block(np.full(BLOCK // 16, time_ms, dtype=np.int64))

    def _receivers(self, account: Ints) -> Ints:
        population, rng, count = self._population, self._rng, len(account)
        choice = np.searchsorted(_HABIT_SHARES, rng.random(count), side="right")
        receiver = population.habits[account, np.minimum(choice, FAVOURITES + CONTACTS - 1)]
        merchant = np.minimum(np.searchsorted(population.popularity, rng.random(count)), population.merchants - 1)
        friend = population.merchants + other_account(account, rng.random(count), len(population.accounts))
        explored = np.where(rng.random(count) < _EXPLORE_TRANSFER, friend, merchant)
        return np.where(choice == FAVOURITES + CONTACTS, explored, receiver)

    def _amounts(self, account: Ints, category: Ints, has_cents: npt.NDArray[np.bool_]) -> Ints:
        rng, count = self._rng, len(account)
        logs: Floats = self._medians[category] + self._population.log_scale[account]
        deviations = np.clip(rng.standard_normal(count), -_LIMIT, _LIMIT)
        drawn = np.exp(logs + self._sigmas[category] * deviations)
        minor = np.maximum(np.rint(drawn).astype(np.int64), 1)
        ending, whole = rng.random(count), minor - minor % 100
        minor = np.where(has_cents & (ending < _ENDS_IN_99), whole + 99, minor)
        return np.where(has_cents & (ending >= _ENDS_IN_99) & (ending < _ENDS_IN_00), np.maximum(whole, 100), minor)

    def _devices(self, account: Ints, receiver: Ints, category: Ints) -> tuple[Ints, Ints]:
        """Indexes into the population's devices and into _METHODS."""
        population, rng, count = self._population, self._rng, len(account)
        at_terminal = rng.random(count) < self._at_terminal[category]
        is_borrowed = rng.random(count) < _BORROWED_DEVICE
        owner = np.where(is_borrowed, other_account(account, rng.random(count), len(population.accounts)), account)
        own = 2 * owner + (rng.random(count) < _SECOND_DEVICE)
        method = np.where(~at_terminal & population.has_wallet[account], 1, 0)
        method[category == TRANSFER] = 2
        method[category == CASH] = 3
        return np.where(at_terminal, 2 * len(population.accounts) + receiver, own), method

    def _whereabouts(self, account: Ints, country: Ints, times: Times) -> Ints:
        """The country that each account is in on that day: home, or on a trip; the same for all of a day."""
        day = times // _DAY_MS
        hashed = (account * 2_654_435_761 + day * 40_503_000_017) % 1_000_003
        away = hashed < _TRIP * 1_000_003
        return np.where(away, (country + 1 + hashed % (len(COUNTRIES) - 1)) % len(COUNTRIES), country)


def _texts(values: list[str]) -> Texts:
    return np.array(values, dtype=object)
