"""The alerts of a day, as a team sees them."""

from decimal import Decimal

from google.cloud import bigquery

from benchmarks.bytes.analyzer import Warehouse, type_named
from orchestration.cli.fraud.queue import COLUMNS, cells, queue_sql
from tests.unit.spark_jobs.batches import SETTINGS

ROW = {
    "day": None,
    "place": 1,
    "sender_account_id": "acct-1",
    "fraud_score": 80,
    "fraud_reasons": ["MULE_CHAIN", "NIGHT"],
    "rule_version": 2,
    "payment_count": 3,
    "alerted_eur": Decimal("1234.5"),
    "transaction_id": "payment-1",
    "label": None,
    "blocked_because": None,
}


def test_an_alert_has_a_cell_for_each_column() -> None:
    shown = cells(ROW)
    assert len(shown) == len(COLUMNS)
    assert shown == [1, "acct-1", 80, "MULE_CHAIN, NIGHT", 3, "1,234.50", "payment-1", "", ""]


def test_money_that_nobody_can_value_is_said_to_be_unknown() -> None:
    assert "not known" in cells(ROW | {"alerted_eur": None})


def test_bigquery_takes_the_question() -> None:
    warehouse = Warehouse(has_ours=False)
    warehouse.add("fraud_alert_queue", {"day": type_named("DATE"), "place": type_named("INT64")})
    given = warehouse.columns_of(queue_sql(SETTINGS), [bigquery.ScalarQueryParameter("day", "DATE", None)])
    assert list(given) == ["day", "place"]
