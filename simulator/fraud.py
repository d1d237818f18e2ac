"""Labelled fraud among ordinary payments: episodes of a few known typologies.

Belongs here: what fraud looks like, and mixing it in at a rate. Does not belong here: how it is found (dbt_project).
The label is for the manifest; nothing of it is in the event.
"""

import heapq
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.clock import HOUR_MS, Clock, Times, rfc3339
from simulator.payments import Payment, Traffic, decimal_text, transaction_ids
from simulator.population import (
    CATEGORIES,
    COUNTRIES,
    TRANSFER,
    Country,
    Device,
    Ints,
    Population,
    device_json,
    method_json,
    place_json,
    random_device,
)
from spark_jobs.iso_codes import MINOR_UNITS

_NIGHT_ENDS_HOUR = 4
_CHEAP, _DEAR, _ORDINARY = ("5814", "4111", "5816"), ("5732", "5651"), ("5411", "5812", "5651")


class Typology(StrEnum):
    """A kind of fraud."""

    CARD_TESTING = "card_testing"
    ACCOUNT_TAKEOVER = "account_takeover"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    SHARED_DEVICE = "shared_device"
    MULE_CHAIN = "mule_chain"
    NIGHT_SHIFT = "night_shift"


class Strike(NamedTuple):
    """One payment of an episode, `after_seconds` from its start; at home, and fraudulent, unless said otherwise."""

    after_seconds: int
    sender: int
    receiver: int
    euro_cents: int
    device: Device
    country: Country | None = None
    is_genuine: bool = False


def mixed_payments(
    population: Population, clock: Clock, fraud_rate: float, rng: np.random.Generator
) -> Iterator[Payment]:
    """Payments in order of event time, `fraud_rate` of them labelled; fraud takes the place of ordinary payments."""
    traffic, fraud = Traffic(population, rng), Fraud(population, rng)
    strikes: list[tuple[int, Payment]] = []
    owed = 0.0
    for times in clock.blocks(rng):
        owed += fraud_rate * len(times)
        episodes = fraud.episodes(times, owed, clock.end_ms)
        owed -= sum(payment.fraud is not None for payment in episodes)
        for payment in episodes:
            heapq.heappush(strikes, (payment.event_ms, payment))
        replaced = rng.choice(len(times), len(episodes), replace=False)
        for payment in traffic.block(np.delete(times, replaced)):
            while strikes and strikes[0][0] <= payment.event_ms:
                yield heapq.heappop(strikes)[1]
            yield payment
    while strikes:
        yield heapq.heappop(strikes)[1]


class Fraud:
    """Draws episodes: each typology in its turn, so that even little fraud is of every kind."""

    def __init__(self, population: Population, rng: np.random.Generator) -> None:
        """Begin with a typology at random."""
        self._population = population
        self._rng = rng
        codes = np.array([c.code for c in CATEGORIES])[population.category[: population.merchants]]
        self._merchants: dict[tuple[str, ...], Ints] = {
            pool: np.flatnonzero(np.isin(codes, pool)) for pool in (_CHEAP, _DEAR, _ORDINARY)
        }
        self._turn = int(rng.integers(len(Typology)))
        self._patterns: dict[Typology, tuple[int, int, Callable[[int], list[Strike]]]] = {
            Typology.CARD_TESTING: (8, 15, self._card_testing),
            Typology.ACCOUNT_TAKEOVER: (4, 6, self._account_takeover),
            Typology.IMPOSSIBLE_TRAVEL: (1, 2, self._impossible_travel),
            Typology.SHARED_DEVICE: (6, 10, self._shared_device),
            Typology.MULE_CHAIN: (3, 5, self._mule_chain),
            Typology.NIGHT_SHIFT: (3, 5, self._night_shift),
        }

    def episodes(self, times: Times, owed: float, end_ms: int | None) -> list[Payment]:
        """Whole episodes that begin at some of the times: as many as are owed, and at most one per two times."""
        payments: list[Payment] = []
        while True:
            start_ms = int(times[self._rng.integers(len(times))])
            typology = self._whose_turn(start_ms)
            low, high, pattern = self._patterns[typology]
            size = int(self._rng.integers(low, high + 1))
            if size > owed or len(payments) + size + 1 > len(times) // 2:
                return payments
            payments += self.episode(typology, pattern(size), start_ms, end_ms)
            owed -= size
            self._turn += 1

    def episode(
        self, typology: Typology, strikes: list[Strike], start_ms: int, end_ms: int | None
    ) -> Iterator[Payment]:
        """The payments of an episode, sped up where it would not end in time."""
        lasts_ms = 1000 * strikes[-1].after_seconds
        left_ms = lasts_ms if end_ms is None else min(lasts_ms, end_ms - start_ms)
        ids = transaction_ids(self._rng, len(strikes))
        for transaction_id, strike in zip(ids, strikes, strict=True):
            event_ms = start_ms + 1000 * strike.after_seconds * left_ms // max(lasts_ms, 1)
            yield self._payment(transaction_id, event_ms, strike, None if strike.is_genuine else typology)

    def _payment(self, transaction_id: str, event_ms: int, strike: Strike, fraud: Typology | None) -> Payment:
        home = COUNTRIES[self._population.country[strike.sender]]
        minor = max(1, round(strike.euro_cents * home.per_euro * 10.0 ** (MINOR_UNITS[home.currency] - 2)))
        category = int(self._population.category[strike.receiver])
        method = "bank_transfer" if category == TRANSFER else "card"
        return Payment(
            transaction_id=transaction_id,
            event_ms=event_ms,
            event_time=rfc3339(event_ms),
            sender=self._population.accounts[strike.sender],
            receiver=str(self._population.receivers[strike.receiver]),
            amount=decimal_text(minor, home.currency),
            amount_minor=minor,
            currency=home.currency,
            details=place_json(home.currency, (strike.country or home).code)
            + device_json(strike.device)
            + method_json(method, CATEGORIES[category].code),
            fraud=fraud,
        )

    def _whose_turn(self, start_ms: int) -> Typology:
        """By day the night shift misses its turn."""
        kinds = list(Typology)
        is_day = start_ms // HOUR_MS % 24 >= _NIGHT_ENDS_HOUR
        if is_day and kinds[self._turn % len(kinds)] is Typology.NIGHT_SHIFT:
            self._turn += 1
        return kinds[self._turn % len(kinds)]

    def _card_testing(self, size: int) -> list[Strike]:
        """One card pays many merchants tiny amounts, seconds apart."""
        victim, device = self._account(), random_device(self._rng, "web")
        return [Strike(12 * i, victim, self._merchant(_CHEAP), 50 + 25 * (i % 8), device) for i in range(size)]

    def _account_takeover(self, size: int) -> list[Strike]:
        """A new device in a new country spends five times what is usual."""
        victim, device = self._account(), random_device(self._rng)
        abroad = self._foreign(victim)
        return [
            Strike(240 * i, victim, self._merchant(_DEAR), self._around(5 * 9_500), device, abroad) for i in range(size)
        ]

    def _impossible_travel(self, size: int) -> list[Strike]:
        """The owner pays at home; minutes later the card pays in another country."""
        victim, terminal = self._account(), random_device(self._rng, "pos")
        own = self._population.devices[2 * victim]
        abroad = self._foreign(victim)
        home = Strike(0, victim, self._merchant(_ORDINARY), self._around(2_500), own, is_genuine=True)
        return [home] + [
            Strike(240 * (i + 1), victim, self._merchant(_ORDINARY), self._around(9_000), terminal, abroad)
            for i in range(size)
        ]

    def _shared_device(self, size: int) -> list[Strike]:
        """One device pays for many accounts."""
        device = random_device(self._rng)
        return [
            Strike(70 * i, account, self._merchant(_ORDINARY), self._around(6_000), device)
            for i, account in enumerate(self._accounts(size))
        ]

    def _mule_chain(self, size: int) -> list[Strike]:
        """Money leaves each account within minutes of its arrival, a little less of it each time."""
        chain, euro_cents = self._accounts(size + 1), self._around(180_000)
        return [
            Strike(
                after_seconds=150 * i,
                sender=sender,
                receiver=self._population.merchants + receiver,
                euro_cents=euro_cents * (100 - 4 * i) // 100,
                device=self._population.devices[2 * sender],
            )
            for i, (sender, receiver) in enumerate(pairwise(chain))
        ]

    def _night_shift(self, size: int) -> list[Strike]:
        """While its owner sleeps, an account pays one large sum after another to merchants it may never have paid."""
        victim, device = self._account(), random_device(self._rng)
        return [Strike(360 * i, victim, self._merchant(_DEAR), self._around(30_000), device) for i in range(size)]

    def _account(self) -> int:
        return int(self._rng.integers(len(self._population.accounts)))

    def _accounts(self, count: int) -> list[int]:
        accounts: list[int] = self._rng.choice(len(self._population.accounts), count, replace=False).tolist()
        return accounts

    def _merchant(self, codes: tuple[str, ...]) -> int:
        """A merchant of one of the categories: even fraud pays plausible amounts."""
        return int(self._rng.choice(self._merchants[codes]))

    def _foreign(self, account: int) -> Country:
        step = int(self._rng.integers(1, len(COUNTRIES)))
        return COUNTRIES[(int(self._population.country[account]) + step) % len(COUNTRIES)]

    def _around(self, euro_cents: int) -> int:
        """An amount within a tenth or so."""
        return int(euro_cents * self._rng.uniform(0.9, 1.15))
