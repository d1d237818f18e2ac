"""How good a ranking is for a team that can look at so many alerts a day: the arithmetic.

Belongs here: average precision, and precision at k alerts a day. Does not belong here: thresholds and money (scoring),
reading the warehouse (run).

An alert is one account on one day. Precision at k is the card precision of the Fraud Detection Handbook: each day's k
best alerts, of which so many are right, over k; an account that was found is not looked at again on later days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Alert:
    """An account on a day: its highest score, the EUR of its payments that scored, whether any was fraudulent."""

    day: date
    account_id: str
    fraud_score: int
    amount_eur: Decimal
    is_fraud: bool

    @property
    def place(self) -> tuple[int, Decimal, str]:
        """What alerts are ordered by: score, then money, then the name, so that no order is left to chance."""
        return -self.fraud_score, -self.amount_eur, self.account_id


@dataclass(frozen=True, slots=True)
class DailyAlerts:
    """What a team finds that looks at `alerts_a_day`, of `alerts` that it gets in all.

    `findable` is what a ranking finds that puts every fraudulent account first, those in front that do not come again.
    """

    alerts_a_day: int
    days: int
    alerts: int
    found: int
    findable: int

    @property
    def precision(self) -> float:
        """Share of what the team can look at that is fraud, a mean over the days; 0 without a day."""
        return self._share(self.found)

    @property
    def ceiling(self) -> float:
        """The same of a perfect ranking: on some days fewer accounts are fraudulent than a team can look at."""
        return self._share(self.findable)

    def _share(self, alerts: int) -> float:
        places = self.alerts_a_day * self.days
        return alerts / places if places else 0.0


def average_precision(steps: Iterable[tuple[float, float]]) -> float:
    """The mean precision over the recall gained, from the highest score down; payments of one score are one step.

    Args:
        steps: recall and precision of an alert from each score on.
    """
    total, reached = 0.0, 0.0
    for recall, precision in steps:
        total += (recall - reached) * precision
        reached = recall
    return total


def daily_alerts(alerts: Sequence[Alert], alerts_a_day: int, days: int) -> DailyAlerts:
    """What the `alerts_a_day` best of each day find over so many days. A score of nothing is no alert.

    Raises:
        ValueError: nobody looks at anything.
    """
    if alerts_a_day < 1:
        raise ValueError("alerts a day must be 1 or more")
    by_day = [(day, list(own)) for day, own in groupby(sorted(alerts, key=attrgetter("day")), key=attrgetter("day"))]
    last_fraud = {alert.account_id: alert.day for _, own in by_day for alert in own if alert.is_fraud}
    found: set[str] = set()
    perfect: set[str] = set()
    looked_at = 0
    for _, own in by_day:
        scored = sorted((a for a in own if a.fraud_score > 0 and a.account_id not in found), key=attrgetter("place"))
        chosen = scored[:alerts_a_day]
        looked_at += len(chosen)
        found |= {alert.account_id for alert in chosen if alert.is_fraud}
        left = {alert.account_id for alert in own if alert.is_fraud} - perfect
        perfect |= set(sorted(left, key=lambda account: (last_fraud[account], account))[:alerts_a_day])
    return DailyAlerts(alerts_a_day, days, looked_at, len(found), len(perfect))
