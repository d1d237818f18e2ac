"""Protobuf: what Google's own library writes is the document that the .proto text describes."""

from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.proto_compiler import compiled
from spark_jobs.decoding.protobuf import Messages
from spark_jobs.decoding.results import Document
from spark_jobs.parsing.json_text import Refused

TEXT = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "google/type/money.proto";
import "confluent/type/decimal.proto";
message Other { string id = 1; }
message Payment {
  message Line { string name = 1; sint64 price_minor = 2; }
  enum Kind { UNKNOWN = 0; CARD = 1; }
  string id = 1;
  google.protobuf.Timestamp at = 2;
  int64 amount_minor = 3;
  optional string country = 4;
  Kind kind = 5;
  repeated Line lines = 6;
  map<string, double> fees = 7;
  map<bool, Line> by_flag = 8;
  google.type.Money money = 9;
  confluent.type.Decimal rate = 10;
  google.protobuf.StringValue note = 11;
  google.protobuf.DoubleValue score = 12;
  bytes raw = 13;
  float ratio = 14;
  repeated Kind kinds = 15;
  oneof payer { string account = 16; Other other = 17; }
  Payment inner = 18;
  repeated string tags = 19;
  optional bool is_refund = 20;
}
"""
FILES = compiled(TEXT, {}).file
MESSAGES = Messages(TEXT, {})
NOTHING: Document = {
    "id": None,
    "at": None,
    "amount_minor": 0,
    "country": None,
    "kind": "UNKNOWN",
    "lines": [],
    "fees": {},
    "by_flag": {},
    "money": None,
    "rate": None,
    "note": None,
    "score": None,
    "raw": None,
    "ratio": Decimal("0.0"),
    "kinds": [],
    "account": None,
    "other": None,
    "inner": None,
    "tags": [],
    "is_refund": None,
}


def written(values: dict[str, Any], name: str = "shop.Payment") -> bytes:
    """A message by the library's own reading of JSON."""
    pool = DescriptorPool()
    for file in FILES:
        pool.Add(file)
    content: bytes = ParseDict(values, GetMessageClass(pool.FindMessageTypeByName(name))()).SerializeToString()
    return content


def read(content: bytes) -> Any:
    return MESSAGES.read(content, (1,))


def test_a_message_of_nothing_says_what_its_encoding_can_tell() -> None:
    assert read(b"") == NOTHING


def test_every_kind_of_field_is_plain_and_exact() -> None:
    values = {
        "id": "payment-1",
        "at": "2026-01-02T03:04:05.678901Z",
        "amount_minor": str(2**53 + 1),
        "country": "",
        "kind": "CARD",
        "lines": [{"name": "tea", "price_minor": "-5"}],
        "fees": {"card": 0.1},
        "by_flag": {"true": {"name": "tip"}},
        "money": {"currency_code": "EUR", "units": "-12", "nanos": -300_000_000},
        "rate": {"value": "BM4=", "precision": 4, "scale": 2},
        "note": "",
        "score": 0.25,
        "raw": "/w==",
        "ratio": 12.3,
        "kinds": ["CARD", 7],
        "other": {"id": "acc-1"},
        "inner": {"id": "payment-0"},
        "tags": ["a", ""],
        "is_refund": False,
    }
    assert read(written(values)) == {
        "id": "payment-1",
        "at": "2026-01-02T03:04:05.678901Z",
        "amount_minor": 2**53 + 1,
        "country": "",
        "kind": "CARD",
        "lines": [{"name": "tea", "price_minor": -5}],
        "fees": {"card": Decimal("0.1")},
        "by_flag": {"true": {"name": "tip", "price_minor": 0}},
        "money": {"currency_code": "EUR", "units": -12, "nanos": -300_000_000, "amount": Decimal("-12.3")},
        "rate": Decimal("12.30"),
        "note": "",
        "score": Decimal("0.25"),
        "raw": "/w==",
        "ratio": Decimal("12.3"),
        "kinds": ["CARD", 7],
        "account": None,
        "other": {"id": "acc-1"},
        "inner": NOTHING | {"id": "payment-0"},
        "tags": ["a", ""],
        "is_refund": False,
    }


@pytest.mark.parametrize(
    ("seconds", "nanos", "expected"),
    [
        (0, 0, "1970-01-01T00:00:00Z"),
        (-1, 1, "1969-12-31T23:59:59.000000001Z"),
        (1_700_000_000, 120_000_000, "2023-11-14T22:13:20.12Z"),
        (10**12, 0, {"seconds": 10**12, "nanos": 0}),
        (0, -1, {"seconds": 0, "nanos": -1}),
    ],
)
def test_a_timestamp_is_rfc_3339_where_a_calendar_holds_it(seconds: int, nanos: int, expected: object) -> None:
    pool = DescriptorPool()
    for file in FILES:
        pool.Add(file)
    message = GetMessageClass(pool.FindMessageTypeByName("shop.Payment"))()
    message.at.seconds, message.at.nanos = seconds, nanos
    assert read(message.SerializeToString())["at"] == expected


@pytest.mark.parametrize(
    ("units", "nanos", "amount"),
    [
        (1, 750_000_000, Decimal("1.75")),
        (-1, -750_000_000, Decimal("-1.75")),
        (0, -750_000_000, Decimal("-0.75")),
        (-1, 750_000_000, None),
        (1, -750_000_000, None),
        (1, 1_750_000_000, None),
        (0, -1_000_000_000, None),
    ],
)
def test_money_whose_parts_contradict_each_other_is_no_amount(units: int, nanos: int, amount: Decimal | None) -> None:
    content = written({"money": {"currency_code": "EUR", "units": str(units), "nanos": nanos}})
    if amount is not None:
        assert read(content)["money"]["amount"] == amount
        return
    with pytest.raises(Refused) as refused:
        read(content)
    assert refused.value.reason is Reason.UNDECODABLE


@pytest.mark.parametrize(
    ("indexes", "name"), [((0,), "shop.Other"), ((1,), "shop.Payment"), ((1, 0), "shop.Payment.Line")]
)
def test_a_message_is_found_by_its_places(indexes: tuple[int, ...], name: str) -> None:
    values = {"name": "tea"} if name.endswith("Line") else {"id": "x"}
    found = MESSAGES.read(written(values, name), indexes)
    assert found.items() >= values.items()


@pytest.mark.parametrize("indexes", [(2,), (0, 0), (1, 0, 0)])
def test_a_message_that_the_file_does_not_have_is_refused(indexes: tuple[int, ...]) -> None:
    with pytest.raises(Refused) as refused:
        MESSAGES.read(b"", indexes)
    assert refused.value.reason is Reason.UNDECODABLE


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_refused(content: bytes) -> None:
    try:
        document = read(content)
    except Refused:
        return
    assert document.keys() == NOTHING.keys()


def test_bytes_that_are_no_message_are_refused() -> None:
    for content in (b"\x0a\x05ab", b"\x0a\x01\xff", b"\xff"):
        with pytest.raises(Refused):
            read(content)
