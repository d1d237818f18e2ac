"""One's own payments: which are judged, by which labels."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from benchmarks.bytes.analyzer import Warehouse
from orchestration.backtest import own, report
from orchestration.backtest.own import OwnConfig, own_backtest
from orchestration.errors import CommandError
from spark_jobs.settings import SettingError
from spark_jobs.tables.catalog import FRAUD_LABELS
from spark_jobs.warehouse.table_setup import Found
from tests.unit.spark_jobs.batches import SETTINGS

NOW = datetime(2026, 11, 29, 1, 30, tzinfo=UTC)


class Recorded:
    """A warehouse with so many labelled payments, which notes what was asked."""

    def __init__(self, labelled: int, *, has_table: bool = True, is_built: bool = True) -> None:
        self.labelled, self.tables = labelled, frozenset({FRAUD_LABELS.name} if has_table else ())
        self.is_built = is_built
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        self.asked.append((sql, values))
        if "as labelled" in sql:
            return [{"labelled": self.labelled}]
        if not self.is_built:
            raise NotFound("payment_fraud_scores")  # type: ignore[no-untyped-call]
        if "payment_fraud_scores" in sql and "fraud_reasons" not in sql and "account_id" not in sql:
            row = {"rule_version": 2, "fraud_score": 60, "payments": 3, "amount_eur": Decimal(9)}
            return [row | {"typology": "chargeback"}, row | {"typology": None, "fraud_score": 0}]
        return []


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(*arguments: Any, **options: Any) -> Recorded:
        warehouse = Recorded(*arguments, **options)
        monkeypatch.setattr("spark_jobs.warehouse.client.run", warehouse.run)
        monkeypatch.setattr("spark_jobs.warehouse.table_setup.look", lambda *_: Found(warehouse.tables, 15))
        return warehouse

    return make


def judge() -> own.OwnBacktest | None:
    return own_backtest(cast("Any", None), SETTINGS, OwnConfig(), NOW)


def test_whole_days_are_judged_once_their_labels_have_had_time_to_come() -> None:
    until = datetime(2026, 11, 22, tzinfo=UTC)
    assert OwnConfig(days=28, label_delay_days=7).period(NOW) == (until - timedelta(days=28), until)
    assert OwnConfig(days=1, label_delay_days=0).period(NOW)[1] == datetime(2026, 11, 29, tzinfo=UTC)


def test_the_days_are_utcs_wherever_the_clock_is() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=-8)))
    assert there.date() != NOW.date()
    assert OwnConfig().period(there) == OwnConfig().period(NOW)


def test_every_question_is_about_the_days_that_are_judged(given: Any) -> None:
    warehouse = given(3)
    found = judge()
    assert found is not None
    assert (found.labelled, found.backtest.current.tally.caught) == (3, 3)
    assert {(values["since"], values["until"]) for _, values in warehouse.asked} == {OwnConfig().period(NOW)}
    assert len(warehouse.asked) == 4


def test_nothing_is_judged_where_no_payment_is_labelled(given: Any) -> None:
    assert (judge() if given(0) else None) is None
    assert report.own_as_dict(None) is None


def test_a_dataset_of_before_there_were_labels_has_none(given: Any) -> None:
    warehouse = given(3, has_table=False)
    assert judge() is None
    assert not warehouse.asked


def test_scores_that_are_not_built_are_one_line_that_says_what_to_do(given: Any) -> None:
    given(3, is_built=False)
    with pytest.raises(CommandError, match="payments build"):
        judge()


def test_a_program_gets_the_period_and_no_goal(given: Any) -> None:
    given(3)
    told = report.own_as_dict(judge())
    assert told is not None
    assert (told["since"], told["labelled"], told["versions"][0]["recall"]) == ("2026-10-25T00:00:00+00:00", 3, 1.0)
    assert "ok" not in told


def test_bigquery_takes_the_labels() -> None:
    values = [bigquery.ScalarQueryParameter(name, "TIMESTAMP", None) for name in ("since", "until")]
    warehouse = Warehouse()
    assert list(warehouse.columns_of(own.labelled_sql(SETTINGS), values)) == ["labelled"]
    given = warehouse.columns_of(f"select * from {own.fraudulent_sql(SETTINGS)}")
    assert list(given) == ["transaction_id", "event_time", "typology"]
    assert "'CHARGEBACK', 'CONFIRMED_FRAUD'" in own.fraudulent_sql(SETTINGS)


@pytest.mark.parametrize("wrong", [{"days": 0}, {"label_delay_days": -1}, {"alerts_a_day": 0}])
def test_a_period_that_would_say_nothing_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SettingError, match="must be between"):
        OwnConfig(**wrong)
