"""Labelled fraud among ordinary payments, at a rate: episodes of known typologies.

Belongs here: how much of which typology, and when. Does not belong here: what an episode looks like (typologies).
The label is for the manifest; nothing of it is in the event.
"""

import heapq
from collections.abc import Iterator

import numpy as np

from simulator.faults.typologies import Patterns, Strike, Typology
from simulator.population.clock import HOUR_MS, Clock, Times, rfc3339
from simulator.population.payments import Payment, Traffic, decimal_text, transaction_ids
from simulator.population.people import (
    CATEGORIES,
    COUNTRIES,
    TRANSFER,
    Population,
    device_json,
    method_json,
    place_json,
)
from spark_jobs.contract.iso_codes import MINOR_UNITS

_NIGHT_ENDS_HOUR = 4


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
        self._patterns = Patterns(population, rng)
        self._turn = int(rng.integers(len(Typology)))

    def episodes(self, times: Times, owed: float, end_ms: int | None) -> list[Payment]:
        """Whole episodes that begin at some of the times: as many as are owed, and at most one per two times."""
        payments: list[Payment] = []
        while True:
            start_ms, typology = self._next(times)
            pattern = self._patterns.of[typology]
            size = int(self._rng.integers(pattern.least, pattern.most + 1))
            if size > owed or len(payments) + size + 1 > len(times) // 2:
                return payments
            payments += self.episode(typology, pattern.draw(size), start_ms, end_ms)
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

    def _next(self, times: Times) -> tuple[int, Typology]:
        """When the next episode begins, and of which kind it is; the night shift misses its turn by day."""
        kinds = list(Typology)
        if kinds[self._turn % len(kinds)] is Typology.NIGHT_SHIFT:
            nights = times[times // HOUR_MS % 24 < _NIGHT_ENDS_HOUR]
            if len(nights):
                return int(self._rng.choice(nights)), Typology.NIGHT_SHIFT
            self._turn += 1
        return int(self._rng.choice(times)), kinds[self._turn % len(kinds)]
