"""Debezium's change events: a row is the same document in an envelope, with a schema around it, and unwrapped."""

import json
from decimal import Decimal
from typing import Any

import pytest

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.documents import Format, Unreadable, decode

ROW = {"id": 1001, "amount": "12.30"}
OLD = {"id": 1001, "amount": "10.00"}
SOURCE = {"connector": "postgresql", "table": "payments", "lsn": 7}
KEY = b'{"schema":{"type":"struct"},"payload":{"id":1001}}'


def decoded(value: object, key: bytes | None = KEY) -> object:
    [document] = decode([None if value is None else json.dumps(value).encode()], [key], None, Format.DEBEZIUM)
    return document


def event(op: str, before: Any, after: Any) -> dict[str, Any]:
    return {"before": before, "after": after, "op": op, "source": SOURCE, "ts_ms": 1_700_000_000_000}


TOLD = {"__ts_ms": 1_700_000_000_000, "__source": SOURCE}


@pytest.mark.parametrize("op", ["c", "r"])
def test_a_created_or_snapshotted_row_stands_beside_what_is_told_of_it(op: str) -> None:
    assert decoded(event(op, None, ROW)) == ROW | {"__op": op} | TOLD


def test_an_updated_row_has_the_one_before() -> None:
    assert decoded(event("u", OLD, ROW)) == ROW | {"__op": "u", "__before": OLD} | TOLD


def test_a_schema_around_an_event_changes_nothing_but_decimals() -> None:
    wrapped = {"schema": {"type": "struct", "fields": []}, "payload": event("c", None, ROW)}
    assert decoded(wrapped) == decoded(event("c", None, ROW))
    decimal = {
        "field": "amount",
        "type": "bytes",
        "name": "org.apache.kafka.connect.data.Decimal",
        "parameters": {"scale": "2"},
    }
    row = {"field": "after", "type": "struct", "fields": [{"field": "id", "type": "int64"}, decimal]}
    precise = event("c", None, ROW | {"amount": "BM4="})
    assert (
        decoded({"schema": {"type": "struct", "fields": [row]}, "payload": precise})
        == ROW
        | {
            "amount": Decimal("12.30"),
            "__op": "c",
        }
        | TOLD
    )


def test_an_unwrapped_row_is_the_document() -> None:
    assert decoded(ROW) == ROW
    assert decoded(ROW | {"__op": "c", "__deleted": "false"}) == ROW | {"__op": "c", "__deleted": "false"}


@pytest.mark.parametrize(
    "value",
    [
        event("d", OLD, None),
        {"schema": {"type": "struct", "fields": []}, "payload": event("d", OLD, None)},
    ],
)
def test_a_deletion_is_a_tombstone_that_says_what_was_deleted(value: object) -> None:
    assert decoded(value) == Unreadable(Reason.TOMBSTONE, "1001", OLD | {"__op": "d"} | TOLD)


@pytest.mark.parametrize("given", [{"__deleted": "true"}, {"__deleted": True}, {"__op": "d"}])
def test_an_unwrapped_deletion_is_a_tombstone_too(given: dict[str, Any]) -> None:
    assert decoded(OLD | given) == Unreadable(Reason.TOMBSTONE, "1001", OLD | given)


@pytest.mark.parametrize("key", [b"1001", b'"1001"', b'{"id":1001}', KEY])
@pytest.mark.parametrize("value", [None, {"schema": None, "payload": None}])
def test_no_value_is_a_tombstone_of_what_the_key_names(value: object, key: bytes) -> None:
    assert decoded(value, key) == Unreadable(Reason.TOMBSTONE, "1001")


def test_no_value_and_a_key_that_names_nothing_is_an_empty_value() -> None:
    assert decoded(None, None) == Unreadable(Reason.EMPTY_VALUE)
    assert decoded(None, b'{"a":1,"b":2}') == Unreadable(Reason.EMPTY_VALUE)


def test_a_row_of_mongodb_is_read_from_its_text() -> None:
    assert (
        decoded(event("c", None, '{"_id":1,"amount":1.50}'))
        == {"_id": 1, "amount": Decimal("1.50"), "__op": "c"} | TOLD
    )


def test_a_truncation_has_no_row() -> None:
    assert decoded(event("t", None, None)) == {"__op": "t"} | TOLD


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (event("c", None, [1]), Reason.NOT_AN_OBJECT),
        (event("c", None, "[1]"), Reason.NOT_AN_OBJECT),
        (event("c", None, '{"a":"\ud83d"}'), Reason.INVALID_UNICODE),
        ({"schema": None, "payload": "text"}, Reason.NOT_AN_OBJECT),
        ([1], Reason.NOT_AN_OBJECT),
    ],
)
def test_what_is_no_change_of_a_row_is_refused(value: object, reason: Reason) -> None:
    assert decoded(value) == Unreadable(reason)
