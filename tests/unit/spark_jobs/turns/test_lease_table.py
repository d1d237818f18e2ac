"""The lease's statements: BigQuery's own in Google's eyes, each sent once, and never more than one statement a look."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable
from google.cloud.bigquery import QueryJobConfig

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.incidents import Incident
from spark_jobs.settings import read_job_settings
from spark_jobs.turns import lease_table
from spark_jobs.turns.lease_table import WarehouseLeases

AT = datetime(2026, 11, 29, tzinfo=UTC)
ROW = {"pipeline": "payments", "holder": "a", "epoch": 3, "taken_at": AT, "renewed_at": AT, "expires_at": AT}


class FakeClient:
    """Lists what it is given, and notes what it is sent."""

    def __init__(self, *listings: Any) -> None:
        self.listings = list(listings)
        self.sent: list[tuple[str, QueryJobConfig]] = []

    def list_rows(self, table: Any, **_: Any) -> Iterator[dict[str, Any]]:
        assert table.table_id == "pipeline_leases"
        listing = self.listings.pop(0)
        if isinstance(listing, Exception):
            raise listing
        return iter(listing)

    def query(self, sql: str, job_config: QueryJobConfig, **_: Any) -> "FakeClient":
        self.sent.append((sql, job_config))
        return self

    def result(self, **_: Any) -> None:
        """At once."""


def leases(client: FakeClient) -> WarehouseLeases:
    return WarehouseLeases(client, read_job_settings({}))  # type: ignore[arg-type]


def test_every_statement_is_one_that_bigquery_takes() -> None:
    client = FakeClient([], [ROW])
    table = leases(client)
    table.prepare()
    table.take("a", 6)
    table.renew("a", 6)
    table.let_go("a")
    warehouse = Warehouse()
    for sql, config in client.sent:
        warehouse.accept(sql, config.query_parameters)
    kinds = [sql.split()[0] for sql, _ in client.sent]
    assert kinds == ["insert", "update", "update", "update"]


def test_a_row_that_is_there_is_found_without_a_statement() -> None:
    client = FakeClient([{**ROW, "pipeline": "another"}, ROW], [{**ROW, "pipeline": "another"}, ROW])
    table = leases(client)
    table.prepare()
    assert table.read().holder == "a"
    assert (client.sent, client.listings) == ([], [])


def test_a_table_that_is_missing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(lease_table, "ensure_tables", lambda *_: made.append(1))
    missing = NotFound("no such table")  # type: ignore[no-untyped-call]
    client = FakeClient(missing)
    leases(client).prepare()
    assert made == [1]
    assert [sql.split()[0] for sql, _ in client.sent] == ["insert"]


def test_a_row_that_was_deleted_is_made_anew() -> None:
    client = FakeClient([], [{**ROW, "holder": ""}])
    assert leases(client).read().holder == ""
    assert [sql.split()[0] for sql, _ in client.sent] == ["insert"]


def test_a_warehouse_that_does_not_answer_is_one_clear_line() -> None:
    away = ServiceUnavailable("try later")  # type: ignore[no-untyped-call]
    message = r"WAREHOUSE_FAILED: the warehouse refused or was silent: .*; the next"
    with pytest.raises(Incident, match=message) as silent:
        leases(FakeClient(away)).read()
    assert "\n" not in str(silent.value)
