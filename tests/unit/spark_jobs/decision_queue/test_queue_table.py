"""The queue's statements, as Google's own analyzer reads them, and how a portion is guarded."""

from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.corrections.decisions import correct_sql
from spark_jobs.decision_queue import queue_table
from spark_jobs.decision_queue.request import Kind, Request
from spark_jobs.erasure.erase import erase_sql
from spark_jobs.tables.request_tables import Portion, State
from spark_jobs.warehouse.client import with_values
from tests.unit.spark_jobs.batches import SETTINGS

ERASURE = Request(Kind.ERASURE, {"account": "a"}, "operator", "asked")
PORTION = Portion(ERASURE.request_id, 3, 7, 10)


def test_every_statement_of_the_queue_is_one_that_bigquery_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Any]] = []

    def run(_client: Any, sql: str, values: Any, _job: str = "") -> list[Any]:
        sent.append((sql, with_values(values).query_parameters))
        return []

    monkeypatch.setattr(queue_table, "run", run)
    monkeypatch.setattr(queue_table, "run_to_its_end", run)
    client: Any = None
    queue_table.ask(client, SETTINGS, ERASURE)
    assert queue_table.oldest_waiting(client, SETTINGS) is None
    assert not queue_table.progress_of(client, SETTINGS, "a").is_over
    queue_table.conclude(client, SETTINGS, ERASURE, PORTION, State.FAILED, "why")
    assert len(sent) == 5
    warehouse = Warehouse()
    for sql, values in sent:
        warehouse.accept(sql, values)


@pytest.mark.parametrize("sql", [correct_sql, erase_sql])
def test_a_portion_is_written_under_its_epoch_and_once(sql: Any) -> None:
    portion, alone = sql(SETTINGS, "p.d.staging", is_portion=True), sql(SETTINGS, "p.d.staging")
    [guard] = [part for part in portion.split(";") if "update `payments-local.payment_data.pipeline_control`" in part]
    assert guard.split()[-3:] == ["epoch", "=", "@epoch"]
    assert "as 'the portion is carried out already'" in portion
    assert "insert into `payments-local.payment_data.decision_outcomes`" in portion
    assert "@epoch" not in alone
    assert "decision_outcomes" not in alone


def test_an_erasure_forgets_its_account_with_its_last_portion() -> None:
    sql = erase_sql(SETTINGS, "p.d.staging", is_portion=True)
    assert "set arguments = null where request_id = @request_id and @state != 'PORTION'" in sql


def test_the_values_of_a_portion_are_those_that_its_statement_names() -> None:
    assert PORTION.values(State.DONE, 5, "{}") == {
        "request_id": ERASURE.request_id,
        "portion": 3,
        "epoch": 7,
        "state": "DONE",
        "portion_decided": 5,
        "detail": "{}",
    }
