"""Which values the watch keeps for the page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from orchestration.dashboard.drawing import points_of
from orchestration.watch.history import BY_LEDGER, EVERY_MINUTES, kept_values
from tests.unit.orchestration.dashboard.sample import limits, snapshot

AT = datetime(2026, 1, 5, 12, 10, 3, tzinfo=UTC)
METRICS = [row["metric"] for row in limits()]
ROWS = [{"metric": metric, "value": Decimal("1.5")} for metric in METRICS]


def test_what_the_ledger_does_not_tell_is_kept_and_nothing_else() -> None:
    kept = kept_values(ROWS, AT)
    assert {row["metric"] for row in kept} == set(METRICS) - set(BY_LEDGER)
    assert all(type(row["value"]) is float for row in kept)


def test_a_metric_without_a_value_has_none_to_keep() -> None:
    assert kept_values([{"metric": "reconciliation_pct", "value": None}], AT) == []


def test_values_are_kept_every_five_minutes_so_that_a_day_has_288() -> None:
    minutes = [AT + timedelta(minutes=each) for each in range(24 * 60)]
    assert sum(bool(kept_values(ROWS, each)) for each in minutes) == 24 * 60 / EVERY_MINUTES == 288


def test_every_metric_has_its_last_day_by_the_ledger_or_by_the_watch() -> None:
    """No card's line depends on somebody having looked at the page."""
    known = snapshot()
    assert {metric for metric in BY_LEDGER if points_of(metric, known)} == set(BY_LEDGER)
    assert set(BY_LEDGER) <= set(METRICS)
    for metric in ("reconciliation_pct", "event_to_fraud_score_p95_seconds", "build_overdue_seconds"):
        assert len(points_of(metric, known)) == 96, metric
