"""How good the fraud rules are on traffic whose fraud is labelled: the arithmetic.

Belongs here: recall at a bounded rate of false positives, precision and money caught, by version, rule and typology.
Does not belong here: what a team finds that can look at so many alerts (ranking), scoring, which is dbt's alone (run
runs it), and how it looks (report).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, groupby
from operator import attrgetter
from typing import Any

from orchestration.backtest.ranking import Alert, DailyAlerts, average_precision, daily_alerts

FALSE_POSITIVE_BUDGET = 0.01
"""The share of honest payments that may be alerted."""

RECALL_GOAL = 0.85


@dataclass(frozen=True, slots=True)
class Scored:
    """Payments that a version gave one score; `typology` is None where they are honest. Money is in EUR."""

    rule_version: int
    fraud_score: int
    typology: str | None
    payments: int
    amount_eur: Decimal


@dataclass(frozen=True, slots=True)
class Tally:
    """What an alert caught: payments and EUR, of all the fraud and all the honest payments that there were."""

    caught: int
    frauds: int
    false_positives: int
    honest: int
    caught_eur: Decimal
    fraud_eur: Decimal

    @property
    def recall(self) -> float:
        """Share of the fraudulent payments that were caught."""
        return _share(self.caught, self.frauds)

    @property
    def precision(self) -> float:
        """Share of the alerts that were right."""
        return _share(self.caught, self.caught + self.false_positives)

    @property
    def false_positive_rate(self) -> float:
        """Share of the honest payments that were alerted."""
        return _share(self.false_positives, self.honest)


@dataclass(frozen=True, slots=True)
class VersionResult:
    """A version alerting from `threshold` on, the lowest score within the budget; `curve` is each score's tally.

    `daily` is what a team finds by the version's ranking that can look at so many alerts a day.
    """

    rule_version: int
    threshold: int
    tally: Tally
    recall_by_typology: dict[str, float]
    curve: tuple[tuple[int, Tally], ...]
    daily: DailyAlerts

    @property
    def average_precision(self) -> float:
        """Of the payments by their scores."""
        return average_precision((tally.recall, tally.precision) for _, tally in self.curve)


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A single rule, alerting on its own."""

    rule_version: int
    signal: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Backtest:
    """The whole result: versions in order, each version's rules from the one that catches most."""

    versions: tuple[VersionResult, ...]
    rules: tuple[RuleResult, ...]

    @property
    def current(self) -> VersionResult:
        """The newest version."""
        return self.versions[-1]

    @property
    def is_good(self) -> bool:
        """Whether the newest version reaches the goal."""
        return self.current.tally.recall >= RECALL_GOAL


@dataclass(frozen=True, slots=True)
class Team:
    """How many alerts a team can look at on each of so many days."""

    alerts_a_day: int
    days: int


def evaluate(
    scores: Sequence[Mapping[str, Any]],
    hits: Sequence[Mapping[str, Any]],
    alerts: Sequence[Mapping[str, Any]],
    team: Team,
) -> Backtest:
    """Judge every version and rule.

    Args:
        scores: rows of rule_version, fraud_score, typology, payments, amount_eur: every payment once per version.
        hits: the same with `signal` instead of the score: every payment once per version and signal that applies.
        alerts: rows of rule_version and of an Alert's fields: every account once per version and day, the fraudulent
            ones and the best of the others.
        team: who looks at them.

    Raises:
        ValueError: nothing was scored.
    """
    if not scores:
        raise ValueError("nothing was scored")
    rows = sorted((Scored(**row) for row in scores), key=attrgetter("rule_version"))
    ranked: dict[int, list[Alert]] = {}
    for alert in alerts:
        ranked.setdefault(alert["rule_version"], []).append(_alert(alert))
    versions = tuple(
        _version(number, list(own), daily_alerts(ranked.get(number, []), team.alerts_a_day, team.days))
        for number, own in groupby(rows, key=attrgetter("rule_version"))
    )
    everything = versions[0].curve[-1][1]
    by_rule: dict[tuple[int, str], list[Scored]] = {}
    for hit in hits:
        row = Scored(hit["rule_version"], 0, hit["typology"], hit["payments"], hit["amount_eur"])
        by_rule.setdefault((row.rule_version, hit["signal"]), []).append(row)
    rules = [RuleResult(number, signal, _tally(own, everything)) for (number, signal), own in by_rule.items()]
    return Backtest(versions, tuple(sorted(rules, key=lambda r: (r.rule_version, -r.tally.caught, r.signal))))


def _alert(row: Mapping[str, Any]) -> Alert:
    return Alert(row["day"], row["account_id"], row["fraud_score"], row["amount_eur"], row["is_fraud"])


def _version(number: int, rows: list[Scored], daily: DailyAlerts) -> VersionResult:
    everything = _tally(rows, None)
    descending = sorted(rows, key=lambda row: -row.fraud_score)
    steps = [(score, list(own)) for score, own in groupby(descending, key=attrgetter("fraud_score"))]
    alerted = accumulate((own for _, own in steps), lambda before, own: before + own)
    curve = tuple(
        (score, _tally(rows_above, everything)) for (score, _), rows_above in zip(steps, alerted, strict=True)
    )
    within = [step for step in curve if step[0] > 0 and step[1].false_positive_rate <= FALSE_POSITIVE_BUDGET]
    threshold, tally = within[-1] if within else (101, _tally([], everything))
    return VersionResult(number, threshold, tally, _recalls(rows, threshold), curve, daily)


def _recalls(rows: Iterable[Scored], threshold: int) -> dict[str, float]:
    counts: dict[str, list[int]] = {}
    for row in rows:
        if row.typology:
            caught_of = counts.setdefault(row.typology, [0, 0])
            caught_of[0] += row.payments if row.fraud_score >= threshold else 0
            caught_of[1] += row.payments
    return {typology: _share(*counts[typology]) for typology in sorted(counts)}


def _tally(alerted: Iterable[Scored], everything: Tally | None) -> Tally:
    """The tally of alerted rows; without `everything`, of rows that are all there is."""
    frauds = [row for row in alerted if row.typology]
    caught, caught_eur = sum(row.payments for row in frauds), sum((row.amount_eur for row in frauds), Decimal(0))
    false_positives = sum(row.payments for row in alerted if not row.typology)
    if everything is None:
        return Tally(caught, caught, false_positives, false_positives, caught_eur, caught_eur)
    totals = everything.frauds, everything.honest, everything.fraud_eur
    return Tally(caught, totals[0], false_positives, totals[1], caught_eur, totals[2])


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
