"""From health rows to a verdict: red, warning or green, and in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest

from orchestration.watch import rules
from orchestration.watch.verdict import judge, rows_before_the_first_build, unreachable, without_dataset

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def row(status: str, metric: str = "broker_overdue_seconds", value: Decimal | None = Decimal(7)) -> dict[str, Any]:
    return {"metric": metric, "value": value, "target": "the broker answers", "status": status, "detail": "silent"}


@pytest.mark.parametrize(
    ("statuses", "passed", "severity"),
    [
        (["HEALTHY", "UNWATCHED"], True, dg.AssetCheckSeverity.WARN),
        (["HEALTHY", "DEGRADED"], False, dg.AssetCheckSeverity.WARN),
        (["DEGRADED", "FAILING"], False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_the_worst_row_decides(statuses: list[str], passed: bool, severity: dg.AssetCheckSeverity) -> None:
    verdict = judge([row(status) for status in statuses])
    assert (verdict.passed, verdict.severity) == (passed, severity)


def test_each_row_that_is_not_well_is_told_in_a_line_the_failing_ones_first() -> None:
    rows = [row("DEGRADED", "a"), row("FAILING", "b"), row("HEALTHY", "c"), row("FAILING", "d", None)]
    assert judge(rows).words == (
        "FAILING: b is 7, target the broker answers (silent)",
        "FAILING: d (silent)",
        "DEGRADED: a is 7, target the broker answers (silent)",
    )


def test_a_value_is_told_as_it_is() -> None:
    values = (Decimal("99.999999900"), Decimal("100.000000000"), Decimal(1_234_567), "0.015353", 12.5)
    assert [judge([row("FAILING", "m", value)]).words[0].split(",")[0] for value in values] == [  # type: ignore[arg-type]
        f"FAILING: m is {told}" for told in ("99.9999999", "100", "1234567", "0.015353", "12.5")
    ]


def test_a_warehouse_that_is_away_is_red() -> None:
    verdict = unreachable("refused")
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert not verdict.passed
    assert "refused" in verdict.words[0]


def observation(metric: str, due_at: datetime | None) -> rules.Observation:
    return rules.Observation(metric, "it", "", NOW, due_at, 0, "seen", NOW)


def test_before_the_first_build_what_is_overdue_is_red_and_a_lag_has_no_due_time() -> None:
    late, soon = NOW - timedelta(seconds=9), NOW + timedelta(seconds=9)
    seen = [observation(rules.BUILD, late), observation(rules.BROKER, soon), observation(rules.LAG, late)]
    assert judge(rows_before_the_first_build(seen, NOW)).words == (
        "FAILING: build_overdue_seconds is 9, target 0 (seen)",
    )
    assert judge(rows_before_the_first_build(seen[1:], NOW)).passed


def test_a_dataset_that_is_still_to_come_only_warns_and_one_that_is_gone_is_red() -> None:
    to_come, gone = (without_dataset("payment_data", has_published=published) for published in (False, True))
    assert (to_come.passed, to_come.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert to_come.words == ("DEGRADED: the warehouse has no dataset payment_data yet: the first run makes it",)
    assert gone.severity is dg.AssetCheckSeverity.ERROR
