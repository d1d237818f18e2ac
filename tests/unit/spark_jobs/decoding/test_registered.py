"""The registry's wire format: records as serializers wrote them, and each schema asked for once.

The bytes were written by Confluent's serializers for Python (2.16), which had registered the schemas with Apicurio.
"""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.documents import Format, Headers, Unreadable, decode
from spark_jobs.decoding.registered import KEY_HEADER, UNKNOWN_SECONDS, VALUE_HEADER, Registered
from spark_jobs.decoding.registry import RegistryUnavailable, Schema, UnknownSchema

AVRO = """
{"type": "record", "name": "Payment", "namespace": "shop", "fields": [
  {"name": "id", "type": "string"},
  {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
  {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}},
  {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD"]}},
  {"name": "country", "type": ["null", "string"], "default": null}]}
"""
PROTO = (
    "Cg1wYXltZW50LnByb3RvEgRzaG9wGgxjb21tb24ucHJvdG8aH2dvb2dsZS9wcm90b2J1Zi90aW1lc3RhbXAucHJvdG8iFAoGUmVmdW5kEgoKAmlk"
    "GAEgASgJIu0BCgdQYXltZW50EgoKAmlkGAEgASgJEhoKBXBheWVyGAIgASgLMgsuc2hvcC5QYXJ0eRImCgJhdBgDIAEoCzIaLmdvb2dsZS5wcm90"
    "b2J1Zi5UaW1lc3RhbXASFAoMYW1vdW50X21pbm9yGAQgASgDEhQKB2NvdW50cnkYBSABKAlIAIgBARIMCgRub3RlGAYgASgJEiEKBWxpbmVzGAcg"
    "AygLMhIuc2hvcC5QYXltZW50LkxpbmUaKQoETGluZRIMCgRuYW1lGAEgASgJEhMKC3ByaWNlX21pbm9yGAIgASgSQgoKCF9jb3VudHJ5YgZwcm90"
    "bzM="
)
COMMON = "Cgxjb21tb24ucHJvdG8SBHNob3AiEwoFUGFydHkSCgoCaWQYASABKAliBnByb3RvMw=="
GUID = uuid.UUID("89791762-2336-4186-9674-299b90a802e2")
SCHEMAS = {
    "ids/4": Schema("AVRO", AVRO, {}),
    "ids/6": Schema("PROTOBUF", PROTO, {"common.proto": COMMON}),
    "ids/7": Schema("JSON", '{"type": "object"}', {}),
    "ids/8": Schema("AVRO", '"string"', {}),
    "ids/9": Schema("AVRO", "no schema", {}),
    "ids/10": Schema("THRIFT", "", {}),
    "ids/11": Schema("AVRO", '{"type":"record","name":"K","fields":[{"name":"id","type":"long"}]}', {}),
    f"guids/{GUID}": Schema("AVRO", AVRO, {}),
}
AVRO_BYTES = bytes.fromhex("0000000004127061796d656e742d31eabcbae5ded7a3060404ce0202044445")
AVRO_DOCUMENT = {
    "id": "payment-1",
    "at": 1_767_323_045_678_901,
    "amount": Decimal("12.30"),
    "currency": "USD",
    "country": "DE",
}
PROTO_BYTES = bytes.fromhex(
    "000000000602020a097061796d656e742d3112070a056163632d311a0c08a5ebdcca061088eadcc30220ce092a0244453a070a037465611009"
)
LINE_BYTES = bytes.fromhex("00000000060402000a037465611009")
JSON_BYTES = bytes.fromhex("00000000077b226964223a227061796d656e742d31222c22616d6f756e74223a31322e357d")


class Shelf:
    """A registry of these schemas, that remembers what it was asked. It takes what Registry's `schema` takes."""

    def __init__(self, schemas: dict[str, Schema]) -> None:
        self.schemas = schemas
        self.asked: list[str] = []

    def schema(self, path: str) -> Schema:
        self.asked.append(path)
        if path not in self.schemas:
            raise UnknownSchema(path)
        return self.schemas[path]


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def on_shelf(schemas: dict[str, Schema] = SCHEMAS, clock: Clock | None = None) -> tuple[Registered, Shelf]:
    shelf = Shelf(dict(schemas))
    shelved: Any = shelf
    return Registered(shelved, clock or Clock()), shelf


def decoded(
    value: bytes | None, fmt: Format = Format.AVRO, key: bytes | None = None, headers: Headers | None = None
) -> object:
    [document] = decode([value], [key], [headers], fmt, on_shelf()[0])
    return document


def test_avro_is_read_by_the_schema_that_wrote_it() -> None:
    assert decoded(AVRO_BYTES) == AVRO_DOCUMENT


def test_protobuf_is_read_by_the_message_that_wrote_it() -> None:
    assert decoded(PROTO_BYTES, Format.PROTOBUF) == {
        "id": "payment-1",
        "payer": {"id": "acc-1"},
        "at": "2026-01-02T03:04:05.678901Z",
        "amount_minor": 1230,
        "country": "DE",
        "note": None,
        "lines": [{"name": "tea", "price_minor": -5}],
    }
    assert decoded(LINE_BYTES, Format.PROTOBUF) == {"name": "tea", "price_minor": -5}
    assert decoded(bytes.fromhex("0000000006000a0178"), Format.PROTOBUF) == {"id": "x"}, "a lone 0 is the first message"


def test_json_of_a_schema_is_strict_json() -> None:
    assert decoded(JSON_BYTES, Format.JSON_SCHEMA) == {"id": "payment-1", "amount": Decimal("12.5")}
    assert decoded(JSON_BYTES[:-1], Format.JSON_SCHEMA) == Unreadable(Reason.INVALID_JSON)


def test_a_schema_in_a_header_leaves_the_value_bare() -> None:
    guid = b"\x01" + GUID.bytes
    assert decoded(AVRO_BYTES[5:], headers=[(VALUE_HEADER, guid)]) == AVRO_DOCUMENT
    assert decoded(LINE_BYTES[8:], headers=[(VALUE_HEADER, LINE_BYTES[:8])]) == {"name": "tea", "price_minor": -5}
    assert decoded(AVRO_BYTES[5:], headers=[(VALUE_HEADER, guid[:9])]) == Unreadable(Reason.UNDECODABLE)
    assert decoded(AVRO_BYTES[5:], headers=[(VALUE_HEADER, b"")]) == Unreadable(Reason.UNDECODABLE)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'{"id":"payment-1"}', Reason.UNDECODABLE),
        (b"\x01" + b"\x00" * 30, Reason.UNDECODABLE),
        (b"\x00\x00\x00", Reason.UNDECODABLE),
        (AVRO_BYTES[:-1], Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x09\x00", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x0a\x00", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x06", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x06\x01", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x06\x02\x01", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x06\x7e", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x06\x02\x64", Reason.UNDECODABLE),
        (b"\x00\x00\x00\x00\x08\x02a", Reason.NOT_AN_OBJECT),
        (b"\x00\x00\x0f\x42\x40", Reason.UNKNOWN_SCHEMA),
        (b"", Reason.EMPTY_VALUE),
    ],
)
def test_what_no_schema_wrote_is_refused_with_its_reason(value: bytes, reason: Reason) -> None:
    assert decoded(value) == Unreadable(reason)


def test_a_schema_is_asked_for_once() -> None:
    registered, shelf = on_shelf()
    assert decode([AVRO_BYTES] * 3, None, None, Format.AVRO, registered) == [AVRO_DOCUMENT] * 3
    assert decode([AVRO_BYTES, JSON_BYTES], None, None, Format.AVRO, registered)[0] == AVRO_DOCUMENT
    assert shelf.asked == ["ids/4", "ids/7"]


def test_a_schema_is_told_to_who_reads_many_records_by_it() -> None:
    registered, shelf = on_shelf()
    assert registered.schema(AVRO_BYTES[:5]) == registered.schema(AVRO_BYTES[:5]) == SCHEMAS["ids/4"]
    assert decode([AVRO_BYTES], None, None, Format.AVRO, registered) == [AVRO_DOCUMENT]
    assert shelf.asked == ["ids/4"]
    assert registered.schema(b"\x00\x00\x0f\x42\x40") is None


def test_an_unknown_id_is_asked_for_again_after_a_while() -> None:
    clock = Clock()
    registered, shelf = on_shelf({}, clock)
    unknown = [Unreadable(Reason.UNKNOWN_SCHEMA)] * 2
    assert decode([AVRO_BYTES] * 2, None, None, Format.AVRO, registered) == unknown
    shelf.schemas |= SCHEMAS
    assert decode([AVRO_BYTES] * 2, None, None, Format.AVRO, registered) == unknown
    clock.now += UNKNOWN_SECONDS
    assert decode([AVRO_BYTES], None, None, Format.AVRO, registered) == [AVRO_DOCUMENT]
    assert shelf.asked == ["ids/4", "ids/4"]


@pytest.mark.parametrize("key", [b"\x00\x00\x00\x00\x0b\xd2\x0f", b"\x00\x00\x00\x00\x08\x081001", b"1001"])
@pytest.mark.parametrize("fmt", [Format.AVRO, Format.DEBEZIUM])
def test_a_tombstones_key_is_read_by_its_schema_too(key: bytes, fmt: Format) -> None:
    assert decoded(None, fmt, key) == Unreadable(Reason.TOMBSTONE, "1001")


def test_a_tombstones_key_may_have_its_schema_in_a_header() -> None:
    header: Headers = [(KEY_HEADER, b"\x00\x00\x00\x00\x0b")]
    assert decoded(None, Format.AVRO, b"\xd2\x0f", header) == Unreadable(Reason.TOMBSTONE, "1001")
    assert decoded(None, Format.AVRO, b"\x00\x00\x00\x00\x63\x00") == Unreadable(Reason.UNKNOWN_SCHEMA)


def test_envelopes_may_be_written_by_a_schema() -> None:
    assert decoded(AVRO_BYTES, Format.DEBEZIUM) == AVRO_DOCUMENT
    binary: Headers = [("ce_specversion", b"1.0"), ("content-type", b"application/avro")]
    assert decoded(AVRO_BYTES, Format.CLOUDEVENTS, None, binary) == {
        "specversion": "1.0",
        "datacontenttype": "application/avro",
        "data": AVRO_DOCUMENT,
    }


def test_a_stray_record_stops_no_topic_that_needs_no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEMA_REGISTRY_URL", raising=False)
    assert decode([AVRO_BYTES], None, None, Format.DEBEZIUM) == [Unreadable(Reason.UNKNOWN_SCHEMA)]
    with pytest.raises(RegistryUnavailable, match="SCHEMA_REGISTRY_URL is not set"):
        decode([AVRO_BYTES], None, None, Format.AVRO)
