"""What decisions and erasures read: days that constants name, wherever whole rows are read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.corrections import late_payments
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.erasure import account_search
from spark_jobs.warehouse.client import with_values
from tests.unit.spark_jobs.batches import SETTINGS

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Asked:
    """A warehouse that says of every span that there is one, and keeps what it was asked."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Any]]] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        self.statements.append((sql, values))
        names = ("first", "last", "paid", "paid_since", "paid_until")
        return [dict.fromkeys(names, NOON)] if "min(" in sql else []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found = Asked()
    for module in (late_payments, account_search):
        monkeypatch.setattr(module, "run", found.run)
    return found


def test_late_payments_are_looked_for_among_payments_of_days_that_are_told(asked: Asked) -> None:
    late_payments.undecided(None, SETTINGS, Selection().recent(NOON))  # type: ignore[arg-type]
    oldest, (rows, values) = asked.statements
    assert "d.kafka_timestamp >= @since" in oldest[0]
    assert "event_time >= @paid_since" in rows
    assert (NOON - values["paid_since"]).days == SETTINGS.lookback_days


def test_where_nothing_came_late_no_payment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_payments, "run", lambda *_: [{"paid": None}])
    assert late_payments.undecided(None, SETTINGS, Selection()) == []  # type: ignore[arg-type]


def test_an_account_is_searched_by_narrow_columns_and_rows_are_read_of_the_days_that_were_found(asked: Asked) -> None:
    account_search.find(None, SETTINGS, "acc-7")  # type: ignore[arg-type]
    account_search.deliveries_of(None, SETTINGS, {"payment-1"})  # type: ignore[arg-type]
    wide = [sql for sql, _ in asked.statements if "extra_fields from" in sql or "delivered_at" in sql]
    assert len(wide) == 4
    for sql in wide:
        assert ">= @first" in sql
        assert "<= @last" in sql


def test_bigquerys_own_analyzer_accepts_what_is_asked(asked: Asked) -> None:
    late_payments.undecided(None, SETTINGS, Selection().recent(NOON))  # type: ignore[arg-type]
    account_search.find(None, SETTINGS, "acc-7")  # type: ignore[arg-type]
    account_search.deliveries_of(None, SETTINGS, {"payment-1"})  # type: ignore[arg-type]
    analyzer = Warehouse()
    assert len(asked.statements) > 10
    for sql, values in asked.statements:
        analyzer.accept(sql, with_values(values).query_parameters)
