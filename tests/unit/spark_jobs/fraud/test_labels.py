"""Labels of payments: what is written when, and that BigQuery takes the statements."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest
from google.cloud import bigquery

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.fraud import labels
from spark_jobs.fraud.labels import FRAUDULENT, CannotLabel, Label, Labelled, label_payment
from tests.unit.spark_jobs.batches import SETTINGS

DAY = date(2026, 11, 20)
PAID_AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PARAMETERS = {"transaction_id": "STRING", "since": "TIMESTAMP", "until": "TIMESTAMP"}
WRITTEN = {"label": "STRING", "labelled_by": "STRING", "reason": "STRING"}


class Recorded:
    """A warehouse that holds one payment with its newest label, and notes what is written."""

    def __init__(self, label: str | None) -> None:
        self.label = label
        self.written_meanwhile: str | None = None
        self.asked: list[dict[str, Any]] = []
        self.written: list[dict[str, Any]] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        if "insert into" in sql:
            is_new = self.label != values["label"]
            self.written += [values] if is_new else []
            self.label = values["label"]
            return [{"rows_written": int(is_new)}]
        self.asked.append(values)
        seen, self.label = self.label, self.written_meanwhile or self.label
        return [] if seen is None else [{"event_time": PAID_AT, "label": seen}]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], Recorded]:
    def make(label: str | None) -> Recorded:
        warehouse = Recorded(label)
        monkeypatch.setattr(labels, "run", warehouse.run)
        return warehouse

    return make


def say(label: Label) -> Labelled:
    return label_payment(cast("Any", None), SETTINGS, "payment-1", DAY, label, by="analyst", reason="bank said so")


def test_a_label_is_written_with_who_and_why(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given("NONE")
    assert say(Label.CHARGEBACK) == Labelled(Label.NONE, is_written=True)
    [row] = warehouse.written
    assert (row["transaction_id"], row["label"]) == ("payment-1", "CHARGEBACK")
    assert (row["labelled_by"], row["reason"]) == ("analyst", "bank said so")


def test_the_same_label_again_writes_nothing(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given("NONE")
    assert [say(Label.CONFIRMED_FRAUD).is_written for _ in range(2)] == [True, False]
    assert len(warehouse.written) == 1


def test_a_later_label_says_what_it_takes_the_place_of(given: Callable[[str | None], Recorded]) -> None:
    given("CHARGEBACK")
    assert say(Label.FALSE_ALARM) == Labelled(Label.CHARGEBACK, is_written=True)
    assert say(Label.NONE) == Labelled(Label.FALSE_ALARM, is_written=True)


def test_a_payment_that_is_not_there_is_refused_with_its_day(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given(None)
    with pytest.raises(CannotLabel, match="no payment payment-1 counts on 2026-11-20") as refused:
        say(Label.CHARGEBACK)
    assert "\n" not in str(refused.value)
    assert not warehouse.written


def test_only_the_payments_day_is_read(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given("NONE")
    say(Label.CHARGEBACK)
    [asked] = warehouse.asked
    assert (asked["since"], asked["until"]) == (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def test_of_the_day_only_the_payments_moment_is_read_again(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given("NONE")
    say(Label.CHARGEBACK)
    [row] = warehouse.written
    assert (row["since"], row["until"] - row["since"]) == (PAID_AT, timedelta(microseconds=1))


def test_a_label_that_another_has_just_written_is_written_once(given: Callable[[str | None], Recorded]) -> None:
    warehouse = given("NONE")
    warehouse.written_meanwhile = "CHARGEBACK"
    assert say(Label.CHARGEBACK) == Labelled(Label.NONE, is_written=False)
    assert not warehouse.written


def test_bigquery_takes_the_statements() -> None:
    warehouse = Warehouse()
    read, write = labels.label_of_sql(SETTINGS), labels.write_sql(SETTINGS)
    for sql, kinds in ((read, PARAMETERS), (write, PARAMETERS | WRITTEN)):
        warehouse.accept(sql, [bigquery.ScalarQueryParameter(name, kind, None) for name, kind in kinds.items()])


def test_what_is_fraud_is_what_somebody_lost_or_confirmed() -> None:
    assert set(FRAUDULENT) == set(Label) - {Label.FALSE_ALARM, Label.NONE}
