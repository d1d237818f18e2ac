"""When payments are made: the curves of a day and a week, a burst over a span, a steady rate.

Belongs here: event times, as blocks of sorted milliseconds since 1970. Does not belong here: what is paid
(payments) and waiting for the time to come (sending).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.int64]

BLOCK = 4096
HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MORNING_WEIGHTS = (0.25, 0.12, 0.07, 0.05, 0.05, 0.09, 0.25, 0.60, 0.90, 1.00, 1.10, 1.25)
_EVENING_WEIGHTS = (1.50, 1.35, 1.20, 1.25, 1.40, 1.80, 2.30, 2.40, 1.90, 1.30, 0.80, 0.45)
HOUR_WEIGHTS = np.array([*_MORNING_WEIGHTS, *_EVENING_WEIGHTS])
"""Relative traffic by UTC hour: lunch, an evening peak, next to nothing from 03 to 06."""

WEEKDAY_WEIGHTS = np.array([0.75, 0.85, 0.90, 1.00, 1.20, 1.40, 1.20])
"""Relative traffic from Monday to Sunday."""


class Clock(Protocol):
    """Event times of payments; `end_ms` is the last possible one, None where there is no end."""

    @property
    def end_ms(self) -> int | None:
        """The last possible event time."""

    def blocks(self, rng: np.random.Generator) -> Iterator[Times]:
        """Ascending event times, a few thousand to a block, no block empty."""


@dataclass(frozen=True, slots=True)
class BurstClock:
    """`events` payments between `start_ms` and `end_ms`, as the curves of day and week would have them."""

    events: int
    start_ms: int
    end_ms: int
    _edges: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _shares: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Integrate the curves over the span."""
        first = self.start_ms // HOUR_MS + 1
        inner = np.arange(first, (self.end_ms - 1) // HOUR_MS + 1) * HOUR_MS
        edges = np.concatenate(([self.start_ms], inner, [self.end_ms])).astype(np.int64)
        hours = edges[:-1] // HOUR_MS
        # 1970-01-01 was a Thursday.
        weights = HOUR_WEIGHTS[hours % 24] * WEEKDAY_WEIGHTS[(hours // 24 + 3) % 7] * np.diff(edges)
        object.__setattr__(self, "_edges", edges.astype(np.float64))
        object.__setattr__(self, "_shares", np.concatenate(([0.0], np.cumsum(weights) / weights.sum())))

    def blocks(self, rng: np.random.Generator) -> Iterator[Times]:
        """Each block draws from its own slice of the distribution, so that no more than a block is held."""
        for first in range(0, self.events, BLOCK):
            size = min(BLOCK, self.events - first)
            shares = (first + size * np.sort(rng.random(size))) / self.events
            yield np.interp(shares, self._shares, self._edges).astype(np.int64)

    def share_before(self, time_ms: float) -> float:
        """Which share of the payments is made before a time."""
        return float(np.interp(time_ms, self._edges, self._shares))


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """`rate` payments per second from `start_ms` on, evenly, without end."""

    rate: float
    start_ms: int
    end_ms: None = None

    def blocks(self, _rng: np.random.Generator) -> Iterator[Times]:
        """A block may reach far ahead where payments come slowly: its times are known all the same."""
        for first in count(0, BLOCK // 8):
            yield self.start_ms + (np.arange(first, first + BLOCK // 8) * 1000 / self.rate).astype(np.int64)


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def rfc3339(time_ms: int) -> str:
    """A time as events carry it: UTC, milliseconds, `Z`."""
    return (_EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds")[:23] + "Z"


def rfc3339_all(times: Times) -> list[str]:
    """rfc3339 of a whole block."""
    texts: list[str] = np.datetime_as_string(times.astype("datetime64[ms]"), unit="ms", timezone="UTC").tolist()
    return texts
