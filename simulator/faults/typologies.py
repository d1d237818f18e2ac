"""The typologies of fraud: what the payments of one episode look like, each as the pattern that gives it away.

Belongs here: who pays whom, how much, when within the episode, on which device. Does not belong here: how many episodes
there are, and mixing them in (fraud); how they are found (dbt_project).
"""

from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from simulator.population.people import CATEGORIES, COUNTRIES, Country, Device, Ints, Population, random_device

_CHEAP, _DEAR, _ORDINARY = ("5814", "4111", "5816"), ("5732", "5651"), ("5411", "5812", "5651")


class Typology(StrEnum):
    """A kind of fraud."""

    CARD_TESTING = "card_testing"
    ACCOUNT_TAKEOVER = "account_takeover"
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    SHARED_DEVICE = "shared_device"
    SHARED_ADDRESS = "shared_address"
    MULE_CHAIN = "mule_chain"
    NIGHT_SHIFT = "night_shift"
    SPENDING_SPREE = "spending_spree"
    PAYEE_SCAM = "payee_scam"


class Strike(NamedTuple):
    """One payment of an episode, `after_seconds` from its start; at home, and fraudulent, unless said otherwise."""

    after_seconds: int
    sender: int
    receiver: int
    euro_cents: int
    device: Device
    country: Country | None = None
    is_genuine: bool = False


class Pattern(NamedTuple):
    """How many fraudulent payments an episode has, from and to, and what draws it."""

    least: int
    most: int
    draw: Callable[[int], list[Strike]]


class Patterns:
    """Draws the episodes of every typology among the accounts and merchants of a population."""

    def __init__(self, population: Population, rng: np.random.Generator) -> None:
        """Look up the merchants of each kind."""
        self._population = population
        self._rng = rng
        codes = np.array([c.code for c in CATEGORIES])[population.category[: population.merchants]]
        self._merchants: dict[tuple[str, ...], Ints] = {
            pool: np.flatnonzero(np.isin(codes, pool)) for pool in (_CHEAP, _DEAR, _ORDINARY)
        }
        self.of: dict[Typology, Pattern] = {
            Typology.CARD_TESTING: Pattern(8, 15, self._card_testing),
            Typology.ACCOUNT_TAKEOVER: Pattern(4, 6, self._account_takeover),
            Typology.IMPOSSIBLE_TRAVEL: Pattern(1, 2, self._impossible_travel),
            Typology.SHARED_DEVICE: Pattern(6, 10, self._shared_device),
            Typology.SHARED_ADDRESS: Pattern(6, 10, self._shared_address),
            Typology.MULE_CHAIN: Pattern(3, 5, self._mule_chain),
            Typology.NIGHT_SHIFT: Pattern(3, 5, self._night_shift),
            Typology.SPENDING_SPREE: Pattern(6, 10, self._spending_spree),
            Typology.PAYEE_SCAM: Pattern(1, 1, self._payee_scam),
        }

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

    def _shared_address(self, size: int) -> list[Strike]:
        """A farm: each account on a device of its own, all of them behind one address."""
        address = random_device(self._rng).ip
        devices = [random_device(self._rng)._replace(ip=address) for _ in range(size)]
        return [
            Strike(70 * i, account, self._merchant(_ORDINARY), self._around(6_000), device)
            for i, (account, device) in enumerate(zip(self._accounts(size), devices, strict=True))
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

    def _spending_spree(self, size: int) -> list[Strike]:
        """A stolen phone, still trusted, pays in one shop after another until it is blocked."""
        victim = self._account()
        times = np.cumsum(self._rng.integers(30, 150, size)).tolist()
        own = self._population.devices[2 * victim]
        return [Strike(time, victim, self._merchant(_ORDINARY), self._around(7_000), own) for time in times]

    def _payee_scam(self, _size: int) -> list[Strike]:
        """The owner is talked into one large transfer to an account never paid before."""
        victim, receiver = self._accounts(2)
        own = self._population.devices[2 * victim]
        return [Strike(0, victim, self._population.merchants + receiver, self._around(350_000), own)]

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
