"""Avro: what fastavro writes is read as it was, and bytes that no schema wrote are refused."""

import io
import json
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.avro import reader_of
from spark_jobs.decoding.results import BadSchema
from spark_jobs.parsing.json_text import Refused

NUMBERS = count()
LONGS = st.integers(-(2**63), 2**63 - 1)
HOSTILE_DECIMAL = {"scale": -(2**61), "value": b"\x04\xce"}


def written(schema: Any, value: Any) -> bytes:
    """By fastavro, which leaves logical types alone where it gets what is on the wire."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(json.loads(json.dumps(schema))), value)
    return stream.getvalue()


def read(schema: Any, content: bytes) -> Any:
    return reader_of(json.dumps(schema))(content, 0)


def primitives() -> st.SearchStrategy[tuple[Any, st.SearchStrategy[Any]]]:
    """Schemas of which a value is in a document what it is in fastavro, with such values."""
    return st.sampled_from(
        [
            ("null", st.none()),
            ("boolean", st.booleans()),
            ("int", st.integers(-(2**31), 2**31 - 1)),
            ("long", LONGS),
            ({"type": "long", "logicalType": "timestamp-of-nobody"}, LONGS),
            ("string", st.text(max_size=80)),
            ({"type": "string", "logicalType": "of-nobody"}, st.text(max_size=5)),
            (["null", "string"], st.none() | st.text(max_size=5)),
            (["long", "null", "boolean"], st.none() | st.booleans() | LONGS),
        ]
    )


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays, maps and records of them."""

    def record(members: list[Any]) -> Any:
        fields = [{"name": f"f{index}", "type": schema} for index, (schema, _) in enumerate(members)]
        values = st.fixed_dictionaries({f"f{index}": values for index, (_, values) in enumerate(members)})
        return {"type": "record", "name": f"Named{next(NUMBERS)}", "fields": fields}, values

    return (
        inner.map(lambda one: ({"type": "array", "items": one[0]}, st.lists(one[1], max_size=4)))
        | inner.map(lambda one: ({"type": "map", "values": one[0]}, st.dictionaries(st.text(max_size=4), one[1])))
        | st.lists(primitives(), min_size=1, max_size=4).map(record)
    )


schemas = st.recursive(primitives(), nested, max_leaves=3)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_what_fastavro_writes_is_read_as_it_was(data: st.DataObject) -> None:
    schema, values = data.draw(schemas)
    value = data.draw(values)
    assert read(schema, written(schema, value)) == value


@settings(max_examples=120, deadline=None)
@given(st.data(), st.binary(max_size=30))
def test_any_bytes_are_a_value_or_refused(data: st.DataObject, content: bytes) -> None:
    schema, _ = data.draw(schemas)
    try:
        value = read(schema, content)
    except Refused:
        return
    assert read(schema, written(schema, value)) == value, "a longer form of a number is read too"


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ("float", 12.3, Decimal("12.3")),
        ("double", 12.3, Decimal("12.3")),
        ("double", float("nan"), "NaN"),
        ("bytes", b"\xff", "/w=="),
        ({"type": "fixed", "name": "F", "size": 2}, b"\xff\x00", "/wA="),
        ({"type": "enum", "name": "E", "symbols": ["EUR", "USD"]}, "USD", "USD"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, b"\x04\xce", Decimal("12.30")),
        ({"type": "bytes", "logicalType": "decimal", "precision": 2}, b"\xff", Decimal(-1)),
        (
            {"type": "fixed", "name": "F", "size": 3, "logicalType": "decimal", "precision": 4, "scale": 2},
            b"\xff\xfb\x32",
            Decimal("-12.30"),
        ),
        ({"type": "bytes", "logicalType": "big-decimal"}, b"\x04\x04\xce\x04", Decimal("12.30")),
        (
            {"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"},
            bytes(range(16)),
            "00010203-0405-0607-0809-0a0b0c0d0e0f",
        ),
    ],
)
def test_what_json_has_no_form_for_becomes_exact_numbers_and_text(schema: Any, value: Any, expected: Any) -> None:
    plain = json.loads(json.dumps(schema).replace('"logicalType"', '"known"'))
    found = read(schema, written(plain, value))
    assert (type(found), str(found)) == (type(expected), str(expected))


@pytest.mark.parametrize("unit", ["timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-micros"])
def test_times_stay_the_whole_numbers_that_they_are_on_the_wire(unit: str) -> None:
    assert read({"type": "long", "logicalType": unit}, written("long", 1_700_000_000_123)) == 1_700_000_000_123
    assert read({"type": "int", "logicalType": "date"}, written("int", 20_000)) == 20_000


def test_a_decimal_beyond_its_precision_is_not_rounded() -> None:
    schema = {"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 2}
    unscaled = 12345678901234567890123456789012345678901
    found = read(schema, written("bytes", unscaled.to_bytes(18, signed=True)))
    assert str(found).replace(".", "") == str(unscaled)


def test_a_decimal_of_debezium_carries_its_own_scale() -> None:
    fields = [{"name": "scale", "type": "int"}, {"name": "value", "type": "bytes"}]
    schema = {"type": "record", "name": "VariableScaleDecimal", "namespace": "io.debezium.data", "fields": fields}
    assert read(schema, written(schema, {"scale": 2, "value": b"\x04\xce"})) == Decimal("12.30")
    with pytest.raises(Refused):
        read(schema, written(schema | {"fields": [{"name": "scale", "type": "long"}, fields[1]]}, HOSTILE_DECIMAL))


def test_a_type_is_known_by_its_name_within_itself_and_in_other_schemas() -> None:
    node = {
        "type": "record",
        "name": "Node",
        "namespace": "a",
        "fields": [{"name": "value", "type": "long"}, {"name": "next", "type": ["null", "Node"]}],
    }
    value = {"value": 1, "next": {"value": 2, "next": None}}
    assert read(node, written(node, value)) == value
    party = {"type": "record", "name": "Party", "namespace": "shop", "fields": [{"name": "id", "type": "string"}]}
    payment = {
        "type": "record",
        "name": "Payment",
        "namespace": "shop",
        "fields": [{"name": "payer", "type": "shop.Party"}, {"name": "payee", "type": "Party"}],
    }
    whole = json.loads(json.dumps(payment))
    whole["fields"][0]["type"] = party
    value = {"payer": {"id": "a"}, "payee": {"id": "b"}}
    assert reader_of(json.dumps(payment), [json.dumps(party)])(written(whole, value), 0) == value


ENDLESS = '{"type":"bytes","logicalType":"decimal","precision":9,"scale":1e999}'


@pytest.mark.parametrize("schema", ["", "{", '"unknown"', "7", "{}", '{"type":"record","name":"R"}', "null", ENDLESS])
def test_a_schema_that_is_none_is_told(schema: str) -> None:
    with pytest.raises(BadSchema):
        reader_of(schema)


RECORD = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "long"}]}


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content + b"\x00",
        lambda content: b"\x03" + content[1:],
        lambda content: content.replace(b"t", b"\xff"),
        lambda _: b"",
        lambda _: b"\xff" * 12,
    ],
)
def test_bytes_that_the_schema_did_not_write_are_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(Refused) as refused:
        read(RECORD, change(written(RECORD, {"a": "text", "b": 300})))
    assert refused.value.reason is Reason.UNDECODABLE


@pytest.mark.parametrize(
    ("schema", "content"),
    [
        ({"type": "array", "items": "null"}, b"\xfe\xff\xff\xff\x0f\x00"),
        ({"type": "map", "values": "null"}, b"\xfe\xff\xff\xff\x0f\x00"),
        (["null", "string"], b"\x04"),
        (["null", "string"], b"\x01"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02"),
        ("boolean", b"\x02"),
        ("string", b"\xfe\xff\xff\xff\x0f"),
    ],
)
def test_hostile_bytes_are_refused_at_once(schema: Any, content: bytes) -> None:
    with pytest.raises(Refused):
        read(schema, content)


def test_a_value_without_end_in_depth_is_too_deep() -> None:
    schema = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
    with pytest.raises(Refused) as refused:
        read(schema, b"\x02" * 60_000)
    assert refused.value.reason is Reason.TOO_DEEP
