import re
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest

from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
from spark_jobs.sinks.bigquery.publish_sql import publish_sql
from spark_jobs.warehouse import transactions
from spark_jobs.warehouse.transactions import run_to_its_end, without_assert
from tests.unit.spark_jobs.batches import SETTINGS

SCRIPT = "begin transaction;\nassert @@row_count = 1 as 'moved on';\ncommit transaction;"
REFUSALS = ["ASSERT statement is not supported in a transaction", "Unsupported statement in transaction: assert"]
OTHERS = ["the epoch or the offsets have moved on", "Transaction is aborted due to concurrent update"]


class Warehouse:
    """Refuses whatever has an ASSERT."""

    def __init__(self, says: str) -> None:
        self.says = says
        self.sent: list[tuple[str, str]] = []

    def run(self, _client: Any, sql: str, _values: dict[str, Any], job_id: str) -> list[dict[str, Any]]:
        self.sent.append((sql, job_id))
        if "assert" in sql:
            raise BadRequest(self.says)  # type: ignore[no-untyped-call]
        return [{"done": True}]


def answer(says: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Warehouse]:
    warehouse = Warehouse(says)
    monkeypatch.setattr(transactions, "run", warehouse.run)
    monkeypatch.setattr(transactions, "settle", lambda *_: None)
    return run_to_its_end(None, SCRIPT, {}, "job"), warehouse  # type: ignore[arg-type]


@pytest.mark.parametrize("says", REFUSALS)
def test_where_a_transaction_takes_no_assert_it_is_sent_with_what_fails_likewise(
    says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, warehouse = answer(says, monkeypatch)
    assert answered == [{"done": True}]
    [(_, first), (plain, second)] = warehouse.sent
    assert first != second
    assert "select if(@@row_count = 1, true, error('moved on'));" in plain


@pytest.mark.parametrize("says", OTHERS)
def test_a_transaction_that_failed_is_not_sent_another_way(says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answered, warehouse = answer(says, monkeypatch)
    assert isinstance(answered, BadRequest)
    assert len(warehouse.sent) == 1


def test_every_assert_of_a_batch_has_its_other_form() -> None:
    known = FoundInWarehouse(correction_count=1, erasure_count=1, corrected=1, erased=1)
    sql = publish_sql(SETTINGS, "p.d.staging", known)
    plain = without_assert(sql)
    assert "assert" not in plain.lower()
    assert plain.count("error(") == len(re.findall(r"\bassert\b", sql)) == 4


def test_an_assert_over_several_lines_has_one_too() -> None:
    plain = without_assert("assert not exists (\n  select 1 from a) as 'it is there';\nassert 1 = 1 as 'no';")
    assert plain.split(";")[0] == "select if(not exists (\n  select 1 from a), true, error('it is there'))"
    assert "assert" not in plain
