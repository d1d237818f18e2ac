"""What a decision about late payments reads: days that constants name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.corrections import late_payments
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.retention.kept import Kept, Mark
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.client import with_values
from tests.unit.spark_jobs.batches import SETTINGS

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Asked:
    """A warehouse that says of every span that there is one, and keeps what it was asked."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Any]]] = []
        self.waiting: list[dict[str, Any]] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        self.statements.append((sql, values))
        return [{"paid": NOON}] if "min(" in sql else self.waiting


def test_late_payments_are_looked_for_among_payments_of_days_that_constants_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked()
    monkeypatch.setattr(late_payments, "run", asked.run)
    late_payments.undecided(None, SETTINGS, Selection().recent(NOON))  # type: ignore[arg-type]
    oldest, (rows, values) = asked.statements
    assert "d.kafka_timestamp >= @since" in oldest[0]
    assert "event_time >= @paid_since" in rows
    assert (NOON - values["paid_since"]).days == SETTINGS.lookback_days
    analyzer = Warehouse()
    for sql, given in asked.statements:
        analyzer.accept(sql, with_values(given).query_parameters)


def test_where_nothing_came_late_no_payment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_payments, "run", lambda *_: [{"paid": None}])
    assert late_payments.undecided(None, SETTINGS, Selection()) == []  # type: ignore[arg-type]


def test_a_payment_that_was_rejected_long_ago_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr(late_payments, "run", asked.run)
    late_payments.undecided(None, SETTINGS, Selection().recent(NOON))  # type: ignore[arg-type]
    _, (rows, _) = asked.statements
    assert "decided_at" not in rows


def test_what_may_have_been_counted_on_a_day_that_has_expired_is_rejected_or_left_and_not_admitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [{"event_time": NOON - timedelta(days=days), "transaction_id": f"late-{days}"} for days in (1, 40)]
    kept = Kept(payments=Mark((NOON - timedelta(days=32)).date(), 7))
    monkeypatch.setattr(late_payments, "undecided", lambda *_: rows)
    monkeypatch.setattr(late_payments, "payments_of", lambda _client, _settings, chosen: chosen)
    for marks, kind, found in (
        (kept, Correction.ADMITTED_LATE, ["late-1"]),
        (kept, Correction.REJECTED_LATE, ["late-1", "late-40"]),
        (Kept(), Correction.ADMITTED_LATE, ["late-1", "late-40"]),
    ):
        monkeypatch.setattr(late_payments, "read_kept", lambda *_, marks=marks: marks)
        plan = late_payments.plan_late(None, SETTINGS, Selection(), kind)  # type: ignore[arg-type]
        assert [decision.payment["transaction_id"] for decision in plan.decisions] == found


def test_whole_rows_are_read_of_the_hours_of_those_that_wait_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr(late_payments, "run", asked.run)
    asked.waiting = [
        {"kafka_partition": 0, "kafka_offset": n, "kafka_timestamp": NOON - timedelta(minutes=n)} for n in (9, 5)
    ]
    late_payments.undecided(None, SETTINGS, Selection().recent(NOON))  # type: ignore[arg-type]
    _, (places, _), (rows, values) = asked.statements
    assert "d.*" not in places
    assert "d.kafka_timestamp >= @first and d.kafka_timestamp <= @last" in rows
    assert (values["first"], values["last"]) == (NOON - timedelta(minutes=9), NOON - timedelta(minutes=5))
    Warehouse().accept(rows, with_values(values).query_parameters)
