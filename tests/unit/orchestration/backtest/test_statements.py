"""The backtest's queries, held against Google's own analyzer."""

import pytest
from google.cloud import bigquery

from benchmarks.bytes.analyzer import Warehouse, type_named
from orchestration.backtest.statements import questions

SCORES = {
    "transaction_id": "STRING",
    "event_time": "TIMESTAMP",
    "rule_version": "INT64",
    "fraud_score": "INT64",
    "fraud_reasons": "ARRAY<STRING>",
}
PAYMENTS = {
    "transaction_id": "STRING",
    "event_time": "TIMESTAMP",
    "sender_account_id": "STRING",
    "amount_eur": "NUMERIC",
}
LABELS = {"transaction_id": "STRING", "typology": "STRING"}
PARAMETERS = {"since": "TIMESTAMP", "until": "TIMESTAMP", "alerts": "INT64"}
COLUMNS = {
    "scores": ["rule_version", "fraud_score", "typology", "payments", "amount_eur"],
    "hits": ["rule_version", "signal", "typology", "payments", "amount_eur"],
    "alerts": ["rule_version", "day", "account_id", "fraud_score", "amount_eur", "is_fraud"],
}


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    made = Warehouse(has_ours=False)
    for name, columns in (
        ("payment_fraud_scores", SCORES),
        ("payment_transactions_fraud", PAYMENTS),
        ("fraud_labels", LABELS),
    ):
        made.add(name, {column: type_named(kind) for column, kind in columns.items()})
    return made


@pytest.mark.parametrize("name", COLUMNS)
def test_bigquery_takes_a_query_and_it_gives_the_columns_that_are_judged(warehouse: Warehouse, name: str) -> None:
    values = [bigquery.ScalarQueryParameter(of, kind, None) for of, kind in PARAMETERS.items()]
    sql = questions("`p.d`", "`p.d.fraud_labels`")[name].replace("`p.d`.", "")
    given = warehouse.columns_of(sql.replace("`p.d.fraud_labels`", "fraud_labels"), values)
    assert list(given) == COLUMNS[name]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_query_bounds_the_time_of_both_tables_that_it_joins(name: str) -> None:
    sql = questions("`p.d`", "labels")[name]
    for table in ("scores", "payments"):
        assert f"{table}.event_time >= @since" in sql
        assert f"{table}.event_time < @until" in sql
