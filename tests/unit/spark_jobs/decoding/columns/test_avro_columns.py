"""Avro by columns: whatever is read together is what is read one by one, and what is plain is read together."""

import io
import json
from itertools import count
from typing import Any

import fastavro
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.decoding.avro import reader_of
from spark_jobs.decoding.columns.avro_columns import AvroColumns
from spark_jobs.decoding.columns.places import Place
from spark_jobs.parsing.json_text import Refused
from tests.unit.spark_jobs.damage import damaged
from tests.unit.spark_jobs.decoding.columns.documents import at, exactly

NUMBERS = count()
LONGS = st.integers(-(2**63), 2**63 - 1)
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}


def named(kind: str, **members: Any) -> dict[str, Any]:
    """A type of its own: no schema may have two of one name."""
    return {"type": kind, "name": f"{kind}{next(NUMBERS)}", **members}


def leaves() -> st.SearchStrategy[tuple[Any, st.SearchStrategy[Any]]]:
    """Schemas with values as they are on the wire."""
    texts = st.text(max_size=70)
    return st.one_of(
        st.sampled_from(
            [
                ("null", st.none()),
                ("boolean", st.booleans()),
                ("int", st.integers(-(2**31), 2**31 - 1)),
                ("long", LONGS),
                ("float", st.floats(width=32)),
                ("double", st.floats()),
                ("string", texts),
                ("bytes", st.binary(max_size=5)),
                (DECIMAL, st.binary(max_size=17)),
                ({"type": "bytes", "logicalType": "big-decimal"}, st.just(b"\x04\x04\xce\x04") | st.binary(max_size=3)),
                (["null", "string"], st.none() | texts),
                (["string", "null"], st.none() | texts),
                (["long", "null", "boolean", "string"], st.none() | st.booleans() | LONGS | texts),
                (["null", DECIMAL], st.none() | st.binary(max_size=4)),
            ]
        ),
        st.builds(lambda: (named("enum", symbols=["A", "B"]), st.sampled_from("AB"))),
        st.builds(lambda: (named("fixed", size=3), st.binary(min_size=3, max_size=3))),
        st.builds(
            lambda: (
                named("fixed", size=3, logicalType="decimal", precision=4, scale=2),
                st.binary(min_size=3, max_size=3),
            )
        ),
    )


def record(members: list[Any]) -> tuple[Any, st.SearchStrategy[Any]]:
    """A record of such members."""
    fields = [{"name": f"f{index}", "type": schema} for index, (schema, _) in enumerate(members)]
    values = {f"f{index}": values for index, (_, values) in enumerate(members)}
    return named("record", fields=fields), st.fixed_dictionaries(values)


def composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Lists, maps and records of them, and records that may lack."""
    records = st.lists(inner, max_size=3).map(record)
    return (
        inner.map(lambda one: ({"type": "array", "items": one[0]}, st.lists(one[1], max_size=10)))
        | inner.map(lambda one: ({"type": "map", "values": one[0]}, st.dictionaries(st.text(max_size=3), one[1])))
        | records
        | records.map(lambda one: (["null", one[0]], st.none() | one[1]))
    )


documents = st.lists(st.recursive(leaves(), composed, max_leaves=4), min_size=1, max_size=4).map(record)
PLACES = st.lists(st.sampled_from(["f0", "f1", "f2", "f3"]), min_size=1, max_size=3).map(tuple)


def written(schema: Any, value: Any) -> bytes:
    """By fastavro, which leaves logical types alone where it does not know them."""
    plain = json.loads(json.dumps(schema).replace('"logicalType"', '"known"'))
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(plain), value)
    return stream.getvalue()


def by_columns(schema: Any, contents: list[bytes], wanted: list[Place]) -> dict[int, list[Any]]:
    """The values at the places, by the record."""
    values = pa.array([b"", b"?", *contents], pa.binary()).slice(2)
    columns = AvroColumns(json.dumps(schema)).read(values, np.arange(len(contents)), 0, wanted)
    found = [columns.found[place].to_pylist() for place in wanted]
    return {row: list(of_row) for row, *of_row in zip(columns.rows.tolist(), *found, strict=True)}


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_what_is_read_together_is_what_is_read_one_by_one(data: st.DataObject) -> None:
    schema, values = data.draw(documents)
    wanted = data.draw(st.lists(PLACES, min_size=1, max_size=4, unique=True))
    contents = [
        data.draw(damaged(written(schema, value))) for value in data.draw(st.lists(values, min_size=1, max_size=4))
    ]
    read = reader_of(json.dumps(schema))
    for row, found in by_columns(schema, contents, wanted).items():
        document = read(contents[row], 0)
        assert [exactly(value) for value in found] == [exactly(at(document, place)) for place in wanted]


WIDE = {
    "type": "record",
    "name": "R",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "amount", "type": DECIMAL},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["PAY", "REFUND"]}},
        {"name": "is_test", "type": "boolean"},
        {"name": "rate", "type": "double"},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "labels", "type": {"type": "map", "values": ["null", "string"]}},
        {
            "name": "payer",
            "type": ["null", {"type": "record", "name": "P", "fields": [{"name": "name", "type": ["null", "string"]}]}],
        },
    ],
}
VALUE: dict[str, Any] = {
    "id": "Zoë",
    "at": 1_767_323_045_678_901,
    "amount": b"\xfb\x32",
    "kind": "REFUND",
    "is_test": True,
    "rate": 0.5,
    "tags": ["a", "b"],
    "labels": {"a": None, "b": "c"},
    "payer": {"name": "Ann"},
}
ASKED: list[Place] = [("id",), ("at",), ("amount",), ("kind",), ("is_test",), ("payer", "name"), ("nothing", "here")]


def test_every_record_of_a_usual_schema_is_read_together() -> None:
    others = [VALUE | {"payer": None}, VALUE | {"payer": {"name": None}, "tags": [], "labels": {}, "id": "x" * 9_000}]
    found = by_columns(WIDE, [written(WIDE, value) for value in (VALUE, *others)], ASKED)
    assert list(found) == [0, 1, 2]
    assert [exactly(value)[1] for value in found[0]] == [
        "Zoë",
        "1767323045678901",
        "-12.30",
        "REFUND",
        "True",
        "Ann",
        "None",
    ]
    assert (found[1][5], found[2][5], found[2][0]) == (None, None, "x" * 9_000)


@pytest.mark.parametrize(
    "place", [("payer",), ("tags",), ("labels", "b"), ("rate",), ("id", "name"), ("payer", "name", "first")]
)
def test_who_asks_for_what_is_no_text_and_no_number_reads_one_by_one(place: Place) -> None:
    assert by_columns(WIDE, [written(WIDE, VALUE)], [place]) == {}


def test_a_broken_record_costs_no_other_one() -> None:
    good = written(WIDE, VALUE)
    broken = [good[:-1], good + b"\0", b"", good.replace("ë".encode(), b"\xff\xff"), b"\xff" * 40, b"\x02" * 40]
    found = by_columns(WIDE, [good, *broken, good], [("id",)])
    assert found == {0: ["Zoë"], len(broken) + 1: ["Zoë"]}
    for content in broken:
        with pytest.raises(Refused):
            reader_of(json.dumps(WIDE))(content, 0)


def test_a_text_that_nobody_asked_for_must_be_one_too() -> None:
    broken = written(WIDE, VALUE).replace("ë".encode(), b"\xff\xff")
    assert by_columns(WIDE, [broken], [("at",)]) == {}


NODE = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
TREE = {"type": "record", "name": "T", "fields": [{"name": "inner", "type": {"type": "array", "items": "T"}}]}


@pytest.mark.parametrize("schema", [NODE, TREE], ids=["list", "tree"])
@pytest.mark.parametrize("content", [b"\x02" * 60_000, b"\x10" * 60_000, b"\x02\x00"])
def test_a_schema_that_contains_itself_asks_for_no_more_than_the_bytes_have(schema: Any, content: bytes) -> None:
    assert set(by_columns(schema, [content, content[:-1]], [("id",)])) <= {0}
