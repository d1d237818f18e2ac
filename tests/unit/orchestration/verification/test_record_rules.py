"""The one rule that SQL has to repeat from the streaming job: how a hash is made."""

import json
import re
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from orchestration.verification.record_rules import _RECORD_RULES, _minor_units, earlier_payload_hash, payload_hash
from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import FIELD_NAMES
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import validate

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
    refund = {"kind": "refund", "original_transaction_id": "t0", "status": "settled"}
    values += [json.dumps(PAYMENT | refund).encode(), json.dumps(PAYMENT | {"kind": "fee"}).encode()]
    written_at = pa.array([datetime(2026, 11, 21, 12, 0, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC"))
    payments = validate(parse(values, versions=pa.array(["1", "1", "2", "2"])), written_at)
    assert payments["reasons"].to_pylist() == [[]] * 4
    assert payments["payment_kind"].to_pylist() == [None, None, "refund", "fee"]
    # BigQuery's MD5 is bytes, DuckDB's is text.
    expression = f"unhex({payload_hash()})"
    with duckdb.connect() as engine:
        engine.register("payments", payments)
        found = engine.sql(f"select {expression} = payload_hash from payments").fetchall()
        units = engine.sql(f"select amount * {_minor_units()} = amount_minor from payments").fetchall()
    assert found == units == [(True,)] * 4


def test_the_hash_that_contract_v1_gave_a_payment_with_unknown_fields_is_no_break() -> None:
    """Recorded when contract v1 was released."""
    [payment] = validate(
        parse([json.dumps(PAYMENT | {"note": "x"}).encode()]),
        pa.array([datetime(2026, 11, 21, 12, 0, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    ).to_pylist()
    rule = _RECORD_RULES["a payment says what its hash was made of"]
    assert earlier_payload_hash() in rule
    assert payload_hash() in rule
    with duckdb.connect() as engine:
        engine.register("payments", pa.Table.from_pylist([payment]))
        found = engine.sql(f"select lower({earlier_payload_hash()}), lower({payload_hash()}) from payments").fetchone()
    assert found == ("785ac28c929c4938bdf20555b89c0433", payment["payload_hash"].hex())


def test_every_field_but_id_time_and_amount_is_in_the_hash() -> None:
    hashed = payload_hash()
    assert {name for name in FIELD_NAMES if not re.search(rf"\b{name}\b", hashed)} == {
        "transaction_id",
        "event_time",
        "amount",
    }


def test_every_currency_has_its_minor_unit() -> None:
    assert _minor_units().count("when") == len(MINOR_UNITS)
