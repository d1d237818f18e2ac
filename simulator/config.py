"""What a simulation is told: sizes, rates and the seed.

Belongs here: the settings with their limits and presets. Does not belong here: the environment
(spark_jobs.settings) and the command line (__main__).
"""

from dataclasses import dataclass
from enum import StrEnum

from spark_jobs.settings import SettingError

MAX_SPAN_MINUTES = 50
"""On-time payments must lie closer together than the watermark delay of 1 h, with slack for other senders."""

MIN_ACCOUNTS = 100
LIVELY_FRAUD_RATE = 0.003
REAL_FRAUD_RATE = 0.00015
"""Share of card payments that was fraudulent in the EEA in the first half of 2023 (EBA and ECB, 2024)."""


class Preset(StrEnum):
    """How much fraud there is where nothing else is said: enough to look at, or as little as there is."""

    LIVELY = "lively"
    REAL = "real"

    @property
    def fraud_rate(self) -> float:
        """Share of the payments."""
        return REAL_FRAUD_RATE if self is Preset.REAL else LIVELY_FRAUD_RATE


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """One simulation; all rates are shares of the payments. `hot_share` is what one account alone pays, if above 0.

    A burst sends `events` payments at once, their event times spread over the `span_minutes` that end at the start
    of sending. A steady simulation sends `rate` payments per second, each at its event time, for `duration_seconds`
    or until it is stopped; `events` and `span_minutes` then mean nothing.

    Raises:
        SettingError: a value is out of its range.
    """

    events: int = 20_000
    seed: int = 1
    rate: float | None = None
    duration_seconds: float | None = None
    span_minutes: float = MAX_SPAN_MINUTES
    accounts: int = 5_000
    retry_rate: float = 0.015
    conflict_share: float = 0.02
    late_rate: float = 0.003
    malformed_rate: float = 0.002
    fraud_rate: float = LIVELY_FRAUD_RATE
    hot_share: float = 0.0
    refund_rate: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        _require("--events", self.events, 1, 1_000_000_000)
        _require("--seed", self.seed, 0, 2**63 - 1)
        _require("--span-minutes", self.span_minutes, 1, MAX_SPAN_MINUTES)
        _require("--accounts", self.accounts, MIN_ACCOUNTS, 10_000_000)
        _require("--retry-rate", self.retry_rate, 0, 1)
        _require("--conflict-share", self.conflict_share, 0, 1)
        _require("--late-rate", self.late_rate, 0, 0.2)
        _require("--malformed-rate", self.malformed_rate, 0, 1)
        _require("--fraud-rate", self.fraud_rate, 0, 0.2)
        _require("--hot-share", self.hot_share, 0, 0.99)
        _require("--refund-rate", self.refund_rate, 0, 1)
        if self.rate is not None:
            _require("--rate", self.rate, 0.01, 1_000_000)
        if self.duration_seconds is not None:
            _require("--duration", self.duration_seconds, 0.001, 10**9)
            if self.rate is None:
                raise SettingError("--duration needs --rate: a burst ends by itself.")

    @property
    def is_steady(self) -> bool:
        """Whether payments are sent at a rate rather than all at once."""
        return self.rate is not None


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingError(f"{name} must be between {low} and {high}, not {value}.")
