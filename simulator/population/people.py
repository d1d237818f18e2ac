"""Who pays whom: countries, merchants and accounts with their habits, drawn from the seed alone.

Belongs here: what stays the same from run to run, pre-rendered as pieces of JSON. Does not belong here: single
payments (payments) and fraud (faults). Addresses are from ranges that belong to nobody (RFC 6598, RFC 3849).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spark_jobs.contract.iso_codes import MINOR_UNITS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]


class Country(NamedTuple):
    """Where accounts live: their share of all accounts, and what one euro is in local money, roughly."""

    code: str
    currency: str
    share: float
    per_euro: float


class Category(NamedTuple):
    """A merchant category: its share of merchants, its amounts (lognormal), how often one pays at a terminal."""

    code: str
    share: float
    median_euro_cents: int
    sigma: float
    at_terminal: float


class Device(NamedTuple):
    """A device that payments are made on; terminals show no address."""

    id: str
    type: str
    ip: str | None


COUNTRIES = (
    Country("DE", "EUR", 0.16, 1.0),
    Country("FR", "EUR", 0.12, 1.0),
    Country("ES", "EUR", 0.08, 1.0),
    Country("IT", "EUR", 0.08, 1.0),
    Country("GB", "GBP", 0.13, 0.86),
    Country("US", "USD", 0.16, 1.08),
    Country("CH", "CHF", 0.03, 0.95),
    Country("SE", "SEK", 0.03, 11.3),
    Country("PL", "PLN", 0.05, 4.3),
    Country("BR", "BRL", 0.04, 5.9),
    Country("IN", "INR", 0.04, 91.0),
    Country("JP", "JPY", 0.05, 163.0),
    Country("KW", "KWD", 0.015, 0.33),
    Country("AU", "AUD", 0.015, 1.65),
)
CATEGORIES = (
    Category("5411", 0.20, 2_800, 0.70, 0.8),
    Category("5812", 0.15, 2_600, 0.68, 0.7),
    Category("5814", 0.12, 900, 0.69, 0.8),
    Category("5541", 0.08, 4_800, 0.67, 0.9),
    Category("5912", 0.08, 1_900, 0.70, 0.6),
    Category("5651", 0.10, 5_500, 0.71, 0.3),
    Category("5732", 0.06, 9_500, 0.72, 0.2),
    Category("4111", 0.08, 700, 0.70, 0.5),
    Category("5816", 0.07, 1_200, 0.70, 0.0),
    Category("6011", 0.06, 8_000, 0.67, 1.0),
    Category("4829", 0.00, 25_000, 1.55, 0.0),
)
CASH, TRANSFER = len(CATEGORIES) - 2, len(CATEGORIES) - 1
FAVOURITES = 5
CONTACTS = 2
SPEND_SIGMA = 0.15
"""How much accounts differ in what they spend, as the deviation of its logarithm."""

_DEVICE_TYPES = ("ios", "android", "web", "api")


@dataclass(frozen=True, slots=True)
class Population:
    """Accounts and receivers by index; receivers are the merchants, then the accounts.

    `activity` and `popularity` are cumulative shares. `habits` has a row per account: favourite merchants, then
    contacts, all as receivers. `log_scale` is what one euro cent is in the account's minor units, times its spending,
    as a logarithm.
    """

    accounts: list[str]
    receivers: Texts
    category: Ints
    country: Ints
    activity: Floats
    popularity: Floats
    habits: Ints
    log_scale: Floats
    has_wallet: npt.NDArray[np.bool_]
    devices: list[Device]
    device_json: Texts
    """Two pieces per account, then one terminal per merchant."""

    @property
    def merchants(self) -> int:
        """How many of the receivers are merchants."""
        return len(self.popularity)


def place_json(currency: str, country: str) -> str:
    """The piece of an event that says in which money and where."""
    return f'"currency":"{currency}","country":"{country}"'


def device_json(device: Device) -> str:
    """The piece of an event that says on which device."""
    address = f',"ip_address":"{device.ip}"' if device.ip else ""
    return f',"device_id":"{device.id}","device_type":"{device.type}"{address}'


def method_json(method: str, category_code: str) -> str:
    """The piece of an event that says how and for what; it ends the event."""
    return f',"payment_method":"{method}","merchant_category":"{category_code}"}}'


def populate(seed: int, accounts: int, hot_share: float = 0.0) -> Population:
    """A population of `accounts` accounts and a fifth as many merchants: the same for the same arguments.

    The first account pays `hot_share` of all payments, where that is above 0.
    """
    rng = np.random.default_rng([seed, accounts])
    merchants = max(200, accounts // 5)
    country = rng.choice(len(COUNTRIES), accounts, p=_shares([c.share for c in COUNTRIES]))
    popularity = np.cumsum(_shares(1 / np.arange(1, merchants + 1)))
    trade = rng.choice(len(CATEGORIES), merchants, p=_shares([c.share for c in CATEGORIES]))
    account_ids = [f"acc-{index:07d}" for index in range(accounts)]
    merchant_ids = [f"mer-{index:06d}" for index in range(merchants)]
    devices = _own_devices(rng, accounts) + [
        Device(f"term-{merchant}", "atm" if category == CASH else "pos", None)
        for merchant, category in zip(merchant_ids, trade.tolist(), strict=True)
    ]
    return Population(
        accounts=account_ids,
        receivers=np.array(merchant_ids + account_ids, dtype=object),
        category=np.concatenate((trade, np.full(accounts, TRANSFER))),
        country=country,
        activity=np.cumsum(_with_hot_one(_shares(rng.uniform(0.2, 4.0, accounts)), hot_share)),
        popularity=popularity,
        habits=_habits(rng, accounts, popularity),
        log_scale=_log_units()[country] + rng.normal(0, SPEND_SIGMA, accounts),
        has_wallet=rng.random(accounts) < 0.35,
        devices=devices,
        device_json=np.array([device_json(device) for device in devices], dtype=object),
    )


def other_account(account: Ints, draw: Floats, accounts: int) -> Ints:
    """For each account another one, chosen by a draw from [0, 1)."""
    return (account + 1 + (draw * (accounts - 1)).astype(np.int64)) % accounts


def random_device(rng: np.random.Generator, device_type: str | None = None) -> Device:
    """A device that nobody has."""
    number, kind = rng.integers(0, [2**48, len(_DEVICE_TYPES) - 1]).tolist()
    return Device(f"dev-{number:012x}", device_type or _DEVICE_TYPES[kind], _address(number, is_v6=number % 8 == 0))


def _habits(rng: np.random.Generator, accounts: int, popularity: Floats) -> Ints:
    merchants = len(popularity)
    favourites = np.searchsorted(popularity, rng.random((accounts, FAVOURITES)))
    own = np.arange(accounts)[:, np.newaxis]
    contacts = merchants + other_account(own, rng.random((accounts, CONTACTS)), accounts)
    return np.hstack((np.minimum(favourites, merchants - 1), contacts))


def _own_devices(rng: np.random.Generator, accounts: int) -> list[Device]:
    """Two devices per account; the few with an `api` device are businesses."""
    kinds = rng.choice(len(_DEVICE_TYPES), 2 * accounts, p=[0.35, 0.40, 0.22, 0.03]).tolist()
    hosts = rng.integers(0, 2**48, 2 * accounts).tolist()
    return [
        Device(f"dev-{index:08d}", _DEVICE_TYPES[kind], _address(host, is_v6=host % 8 == 0))
        for index, (kind, host) in enumerate(zip(kinds, hosts, strict=True))
    ]


def _address(host: int, *, is_v6: bool) -> str:
    if is_v6:
        return f"2001:db8:{host >> 32 & 0xFFFF:x}:{host >> 16 & 0xFFFF:x}::{host & 0xFFFF:x}"
    return f"100.{64 + (host >> 16) % 64}.{host >> 8 & 0xFF}.{host & 0xFF}"


def _log_units() -> Floats:
    return np.log([c.per_euro * 10.0 ** (MINOR_UNITS[c.currency] - 2) for c in COUNTRIES])


def _with_hot_one(shares: Floats, hot_share: float) -> Floats:
    if not hot_share:
        return shares
    others = shares[1:] * ((1 - hot_share) / shares[1:].sum())
    return np.concatenate(([hot_share], others))


def _shares(weights: list[float] | Floats) -> Floats:
    values = np.asarray(weights, dtype=np.float64)
    return values / values.sum()
