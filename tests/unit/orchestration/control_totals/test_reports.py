"""A sender's report is in the table whole or not at all, and while it is replaced the older one is."""

from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse, simple
from orchestration.control_totals import reports
from orchestration.control_totals.reports import load_report, replaced_sql
from spark_jobs.settings import read_job_settings
from spark_jobs.tables.catalog import CONTROL_TOTALS
from spark_jobs.warehouse import client, transactions
from spark_jobs.warehouse.client import with_values

JOB = read_job_settings({})
ROW = {"source": "gateway", "delivered_count": 3}


class Loads:
    """What is asked of a warehouse that knows so many rows of the source."""

    def __init__(self, patch: pytest.MonkeyPatch, known: int, failed: Exception | None = None) -> None:
        self.statements: list[str] = []
        self.appended: list[dict[str, Any]] = []
        self.replaced: list[dict[str, Any]] = []
        self.known, self.failed = known, failed
        patch.setattr(client, "run", self._run)
        patch.setattr(reports, "load_rows", self._load_rows)
        patch.setattr(transactions, "run_over_rows", self._run_over_rows)

    def _run(self, _client: object, sql: str, _values: object) -> list[dict[str, int]]:
        self.statements.append(sql)
        return [{"row_count": self.known}]

    def _load_rows(self, *given: Any, replace: bool) -> None:
        assert not replace, "that would take out all other senders'"
        self.appended += given[3]

    def _run_over_rows(self, _client: object, staging: str, rows: Any, _schema: object, statement: Any) -> Any:
        assert staging in statement[0]
        assert statement[1] == {"source": "gateway"}
        self.replaced += rows
        return self.failed


def test_the_first_report_of_a_source_is_one_load(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = Loads(monkeypatch, known=0)
    load_report(None, JOB, "gateway", [ROW])  # type: ignore[arg-type]
    [row] = loads.appended
    assert row.items() > ROW.items()
    assert row["reported_at"]
    assert not loads.replaced
    load_report(None, JOB, "gateway", [])  # type: ignore[arg-type]
    assert len(loads.appended) == 1
    assert all("delete" not in sql for sql in loads.statements)


def test_a_report_that_replaces_another_does_so_in_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = Loads(monkeypatch, known=2)
    load_report(None, JOB, "gateway", [ROW])  # type: ignore[arg-type]
    assert not loads.appended
    assert [row["delivered_count"] for row in loads.replaced] == [3]
    assert all("delete" not in sql for sql in loads.statements)
    failing = Loads(monkeypatch, known=2, failed=ConnectionError("no answer"))
    with pytest.raises(ConnectionError, match="no answer"):
        load_report(None, JOB, "gateway", [ROW])  # type: ignore[arg-type]
    assert not failing.appended


def test_the_transaction_is_one_that_googles_own_analyzer_accepts() -> None:
    script = replaced_sql("p.d.sender_control_totals", "p.d.staged_totals_rows")
    words = [statement.split()[0] for statement in script.split(";") if statement.strip()]
    assert words == ["begin", "delete", "insert", "commit"]
    warehouse = Warehouse()
    warehouse.add("staged_totals_rows", {column.name: simple(column.type) for column in CONTROL_TOTALS.columns})
    warehouse.accept(script, with_values({"source": "gateway"}).query_parameters)
