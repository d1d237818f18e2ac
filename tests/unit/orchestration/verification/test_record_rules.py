"""Reads of one moment, and the one rule that SQL has to repeat from the streaming job: how a hash is made."""

import json
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
import pytest

from orchestration.settings import read_stack_settings
from orchestration.verification.record_rules import _minor_units, _payload_hash
from orchestration.verification.warehouse_reads import Row, WarehouseReads
from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELD_NAMES
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import validate
from spark_jobs.tables import catalog
from spark_jobs.warehouse import client

PAYMENT = {
    "transaction_id": "t1",
    "event_time": "2026-11-21T11:59:00Z",
    "sender_account_id": "a",
    "receiver_account_id": "b",
    "amount": "12.50",
    "currency": "EUR",
    "country": "DE",
    "device_type": "web",
    "merchant_category": "5411",
}


def test_the_hash_in_sql_is_the_hash_of_the_streaming_job() -> None:
    values = [
        json.dumps(PAYMENT).encode(),
        json.dumps({**PAYMENT, "amount": "7", "currency": "JPY", "channel": "new"}).encode(),
    ]
    written_at = pa.array([datetime(2026, 11, 21, 12, 0, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC"))
    payments = validate(parse(values), written_at)
    assert payments["reasons"].to_pylist() == [[], []]
    # BigQuery's MD5 is bytes, DuckDB's is text.
    expression = f"unhex({_payload_hash()})"
    with duckdb.connect() as engine:
        engine.register("payments", payments)
        found = engine.sql(f"select {expression} = payload_hash from payments").fetchall()
        units = engine.sql(f"select amount * {_minor_units()} = amount_minor from payments").fetchall()
    assert found == units == [(True,), (True,)]


def test_every_field_but_id_time_and_amount_is_in_the_hash() -> None:
    hashed = _payload_hash()
    assert {name for name in FIELD_NAMES if f"coalesce({name}," not in hashed} == {
        "transaction_id",
        "event_time",
        "amount",
    }


def test_every_currency_has_its_minor_unit() -> None:
    assert _minor_units().count("when") == len(MINOR_UNITS)


def test_reads_of_one_moment_see_no_later_batch_in_any_table(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    asked: list[tuple[str, dict[str, object]]] = []

    def run(_client: object, sql: str, parameters: dict[str, object]) -> list[Row]:
        asked.append((sql, parameters))
        return [{"now": now}]

    monkeypatch.setattr(client, "run", run)
    reads = WarehouseReads(None, read_stack_settings({}).job).at_this_moment()  # type: ignore[arg-type]
    asked.clear()
    for table in catalog.TABLES:
        reads.whole_table(table)
    reads.delivery_counts()
    reads.delivery_amounts()
    reads.delivered_records({0: 5})
    reads.kept_records()
    reads.correction_counts()
    reads.broken_records()
    for sql, parameters in asked:
        assert sql.count("payments-local") == sql.count("for system_time as of @as_of") > 0
        assert parameters["as_of"] == now


def test_reads_of_now_name_no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []

    def run(_client: object, _sql: str, parameters: dict[str, object]) -> list[Row]:
        asked.append(parameters)
        return []

    monkeypatch.setattr(client, "run", run)
    assert WarehouseReads(None, read_stack_settings({}).job).newest_batch() is None  # type: ignore[arg-type]
    assert asked == [{}]
