"""A kept record is read again by the contract: what the warehouse says of it and its value does not, is seen."""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest

from orchestration.verification.reparse_rules import COMPARED, rejudge
from spark_jobs.parsing.records import read_records

WRITTEN_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GOOD = {
    "transaction_id": "t1",
    "event_time": "2026-11-21T11:59:00Z",
    "sender_account_id": "a",
    "receiver_account_id": "b",
    "amount": "12.50",
    "currency": "EUR",
}


def kept(offset: int, value: bytes | None) -> dict[str, Any]:
    """A row of payment_deliveries as the streaming job would have written it."""
    batch = pa.RecordBatch.from_pydict(
        {
            "partition": pa.array([0], pa.int32()),
            "offset": pa.array([offset], pa.int64()),
            "timestamp": pa.array([WRITTEN_AT], pa.timestamp("us", "UTC")),
            "key": pa.array([b"a"], pa.binary()),
            "value": pa.array([value], pa.binary()),
        }
    )
    [judged] = read_records(batch).select(COMPARED).to_pylist()
    coordinates = {"topic": "payment-events", "kafka_partition": 0, "kafka_offset": offset}
    return {**coordinates, "kafka_timestamp": WRITTEN_AT, "raw_key": b"a", "raw_value": value, **judged}


def rows() -> list[dict[str, Any]]:
    return [kept(0, json.dumps(GOOD).encode()), kept(1, b"{broken"), kept(2, None)]


def test_kept_records_that_say_what_the_warehouse_says_are_proved() -> None:
    assert rejudge(rows()) == []
    assert rejudge([]) == []


def test_the_rows_of_this_test_say_something() -> None:
    good, broken, empty = rows()
    assert (good["transaction_id"], good["amount_minor"], good["reasons"]) == ("t1", 1250, [])
    assert broken["reasons"] == ["INVALID_JSON"]
    assert empty["value_sha256"] == sha256(b"").digest()


@pytest.mark.parametrize("column", COMPARED)
def test_any_column_that_is_altered_is_seen(column: str) -> None:
    changed = rows()
    changed[0][column] = ["SAME_ACCOUNT"] if column == "reasons" else "altered"
    [found] = rejudge(changed)
    assert found.rule == f"{column} is what the kept value says"
    assert found.where == "payment-events 0:0"


def test_a_kept_value_that_is_altered_is_seen() -> None:
    changed = rows()
    changed[0]["raw_value"] = json.dumps({**GOOD, "amount": "12.51"}).encode()
    assert {found.rule.partition(" ")[0] for found in rejudge(changed)} == {
        "amount_minor",
        "payload_hash",
        "value_sha256",
    }
