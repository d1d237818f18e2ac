"""The two promises, right and in time: when a minute keeps them, and how fast their budgets may burn.

Belongs here: objectives, windows and burn rates, after the SRE workbook's chapter on alerting. Does not belong here:
alerts that name a cause (catalog).
"""

from dataclasses import dataclass

from orchestration.alerts.catalog import ALERTS, Alert, Severity

LATE = (
    "publication_overdue_seconds",
    "event_to_warehouse_latency_p95_seconds",
    "checkpoint_lag_seconds",
    "event_to_fraud_score_p95_seconds",
    "build_overdue_seconds",
)
"""A minute in which one of these is FAILING is not in time."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised, the share of the minutes of 30 days that keep it, and when a minute does not: 1, else 0."""

    key: str
    title: str
    objective: float
    broken: str

    @property
    def budget(self) -> float:
        """The share of the minutes that may break it."""
        return round(1 - self.objective, 6)


@dataclass(frozen=True, slots=True)
class Burn:
    """A pace: `rate` times the even one, over the long window, and still so over the short one."""

    long: str
    short: str
    rate: float


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """One alert on a promise's budget: fast pages, slow writes a ticket."""

    promise: Promise
    severity: Severity
    burns: tuple[Burn, ...]
    command: str = "payments status"

    @property
    def name(self) -> str:
        """Its name."""
        pace = "Fast" if self.severity is Severity.PAGE else "Slow"
        return f"Payments{self.promise.key.title().replace('_', '')}Burn{pace}"

    @property
    def summary(self) -> str:
        """What it says."""
        burn = self.burns[0]
        return f"The budget of the promise '{self.promise.title}' burns {burn.rate:g} times too fast."

    @property
    def condition(self) -> str:
        """The expression of the rule: any of the paces, in both of its windows."""
        return " or ".join(
            f"({self._over(burn.long)} > {limit} and {self._over(burn.short)} > {limit})"
            for burn in self.burns
            if (limit := f"{burn.rate * self.promise.budget:.6g}")
        )

    def _over(self, window: str) -> str:
        return f'{average(window)}{{promise="{self.promise.key}"}}'


BROKEN = "payments:promise_broken"
"""The recorded series: 1 in a minute that breaks the promise."""


def average(window: str) -> str:
    """The recorded share of a window that breaks it."""
    return f"{BROKEN}:avg{window}"


PROMISES = (
    Promise("right", "right", 0.999, "1 - payments_counted_once"),
    Promise(
        "in_time",
        "in time",
        0.99,
        f'max(payments_health_status{{metric=~"{"|".join(LATE)}"}}) == bool 3 '
        'or max(1 - payments_part_up{part="warehouse"})',
    ),
)

PAGES = (Burn("1h", "5m", 14.4), Burn("6h", "30m", 6))
"""2 % of 30 days' budget in an hour, 5 % in six."""

TICKETS = (Burn("1d", "2h", 3), Burn("3d", "6h", 1))
"""10 % in a day, 10 % in three."""

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")

BURN_ALERTS = tuple(
    BurnAlert(promise, severity, burns)
    for promise in PROMISES
    for severity, burns in ((Severity.PAGE, PAGES), (Severity.TICKET, TICKETS))
)

EVERY_ALERT: tuple[Alert | BurnAlert, ...] = (*ALERTS, *BURN_ALERTS)
"""All that have a rule and a runbook."""

BURN_MINUTES = 2
"""So that one sample after a start, which is a whole window, is not enough."""


def documented() -> str:
    """The table of docs/alerts.md."""
    rows = [
        f"| `{alert.name}` | {alert.severity} | {alert.promise.title}, "
        f"{100 * alert.promise.objective:g} % of the minutes | {_paces(alert)} |"
        for alert in BURN_ALERTS
    ]
    return "\n".join(["| alert | severity | promise | fires at |", "|---|---|---|---|", *rows]) + "\n"


def _paces(alert: BurnAlert) -> str:
    return ", or ".join(f"{burn.rate:g} times the even pace over {burn.long} and {burn.short}" for burn in alert.burns)
