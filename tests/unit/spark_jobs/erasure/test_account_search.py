"""What the warehouse is asked about an account: bytes by their hexadecimal digits, texts as they are."""

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.erasure import account_search
from spark_jobs.erasure.account_search import narrowed_bytes, narrowed_text, narrowing_values
from spark_jobs.warehouse.client import with_values
from tests.unit.benchmarks.bytes.analyzing import reads
from tests.unit.spark_jobs.batches import SETTINGS


@pytest.mark.parametrize("account", ["acc-7", "a/b", "Zo\u00eb", "x' or true --"])
def test_an_account_reaches_the_warehouse_as_a_value_alone(account: str) -> None:
    for kind, sql in (("hex", narrowed_bytes(("k", "v"), account)), ("text", narrowed_text("extra", account))):
        values = narrowing_values(account, kind)
        assert account not in sql
        assert all(f"@{name}" in sql for name in values)
        assert sql.count("strpos") == len(values) * (2 if kind == "hex" else 1)


def test_no_text_is_turned_into_bytes_by_the_warehouse() -> None:
    # The local warehouse cannot do it with a letter outside ASCII.
    assert "cast" not in narrowed_bytes(("k",), "a") + narrowed_text("extra", "a")
    assert narrowing_values("a", "hex") == {"hex_0": "61", "hex_1": "5c75"}
    assert narrowing_values("a/b", "text") == {"text_0": "a/b", "text_1": "\\"}


class Asked:
    """A warehouse that says of every span that there is one, and keeps what it was asked."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, dict[str, Any]]] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        self.statements.append((sql, values))
        names = ("first", "last", "paid_since", "paid_until")
        return [dict.fromkeys(names, datetime(2026, 11, 29, 12, tzinfo=UTC))] if "min(" in sql else []


def test_an_account_is_searched_by_narrow_columns_and_rows_are_read_of_the_days_that_were_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked()
    monkeypatch.setattr(account_search, "run", asked.run)
    account_search.find(None, SETTINGS, "acc-7")  # type: ignore[arg-type]
    account_search.deliveries_of(None, SETTINGS, {"payment-1"})  # type: ignore[arg-type]
    wide = [sql for sql, _ in asked.statements if "batch_id, raw_key" in sql or "delivered_at" in sql]
    assert len(wide) == 2
    for sql in wide:
        assert ">= @first" in sql
        assert "<= @last" in sql
    analyzer = Warehouse()
    for sql, values in asked.statements:
        analyzer.accept(sql, with_values(values).query_parameters)


def test_payments_are_searched_once_by_what_a_mapping_has_made_of_the_account_and_by_unknown_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked()
    monkeypatch.setattr(account_search, "run", asked.run)
    account_search.find(None, SETTINGS, "shopper/1")  # type: ignore[arg-type]
    [(sql, values)] = [each for each in asked.statements if "payment_transactions" in each[0]]
    assert values == {
        "account": "shopper/1",
        "escaped": "shopper_2F1",
        "hashed": "fc91442eb4409a6b6c95be4d329baab7ad2ac2adab55bf910e8cc581d11c2340",
        "text_0": "shopper/1",
        "text_1": "\\",
    }
    assert "receiver_account_id in (@account, @escaped, @hashed)" in sql
    sent = (parameter.to_api_repr() for parameter in with_values(values).query_parameters)
    read = reads(sql, *sent)["payment_transactions"]
    assert read.columns == {"transaction_id", "sender_account_id", "receiver_account_id", "extra_fields"}


def test_who_is_named_in_an_unknown_field_is_decided_by_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"transaction_id": "paid", "is_party": True, "extra_fields": None},
        {"transaction_id": "noted", "is_party": False, "extra_fields": '{"note":"for acc-7"}'},
        {"transaction_id": "other", "is_party": False, "extra_fields": '{"note":"for acc-77"}'},
        {"transaction_id": None, "is_party": None, "extra_fields": None},
    ]
    sought: list[set[str]] = []

    def deliveries_of(_client: object, _settings: object, ids: set[str]) -> list[object]:
        sought.append(ids)
        return []

    monkeypatch.setattr(account_search, "_candidates", lambda *_: [])
    monkeypatch.setattr(account_search, "run", lambda *_: rows)
    monkeypatch.setattr(account_search, "deliveries_of", deliveries_of)
    assert account_search.find(None, SETTINGS, "acc-7") == []  # type: ignore[arg-type]
    assert sought == [{"paid", "noted"}]
