"""JSON by columns: whatever is read together is what is read one by one, and what is plain is read together."""

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import MAX_NESTING
from spark_jobs.decoding import json_documents
from spark_jobs.decoding.columns.json_columns import json_columns
from spark_jobs.decoding.columns.places import Place
from tests.unit.spark_jobs.damage import damaged
from tests.unit.spark_jobs.decoding.columns.documents import at, exactly

NAMES = st.sampled_from(["a", "b", "c"])
PLACES = st.lists(NAMES, min_size=1, max_size=2).map(tuple)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=True),
    st.text(max_size=4),
    st.sampled_from(["2026-11-28", "2026-11-28T03:57:01Z", "12.50", "{", "}\n{", "é", "NaN"]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner), max_leaves=4)
DOCUMENTS = st.dictionaries(NAMES, st.text(max_size=3) | VALUES)
TEXTS = [
    b'{"a":"x","a":"y"}',
    b'{"b":{"c":1,"c":1}}',
    b'{"a":"x"}{"a":"y"}',
    b'{"a":"x"}\n{"a":"y"}',
    b'{"a":"x"} ',
    b'{"a":"x"}\0}',
    b'{"a":"x"}\0{"a":"x"}',
    b'{"b":',
    b'{"b":[}',
    b'{"b":1e9}',
    b'{"b":1e999999999999999999999}',
    b'{"b":01}',
    b'{"b":-0}',
    b'{"b":[NaN,-Infinity]}',
    b'{"b":1,}',
    b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\n"}',
    b'{"a":"x\\u0041"}',
    b'{"b":"' + b"[" * MAX_NESTING + b'"}',
    b'{"b":' + b"[" * (MAX_NESTING - 1) + b"]" * (MAX_NESTING - 1) + b"}",
    b'{"b":' + b"[" * MAX_NESTING + b"]" * MAX_NESTING + b"}",
    b'{"b":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    b"[]",
    b"{",
    b"}",
    b"",
]


def as_json(document: Any, *, is_ascii: bool) -> bytes:
    return json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


def by_columns(contents: Sequence[bytes | None], wanted: list[Place]) -> dict[int, list[Any]]:
    """The values at the places, by the record."""
    values = pa.array([b"{", b"{}", *contents], pa.binary()).slice(2)
    columns = json_columns(values, contents, wanted)
    if columns is None:
        return {}
    found = [columns.found[place].to_pylist() for place in wanted]
    return {row: list(of_row) for row, *of_row in zip(columns.rows.tolist(), *found, strict=True)}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_is_read_together_is_what_is_read_one_by_one(data: st.DataObject) -> None:
    wanted = data.draw(st.lists(PLACES, min_size=1, max_size=3, unique=True))
    likely = st.builds(as_json, DOCUMENTS, is_ascii=st.booleans()).flatmap(damaged)
    contents = data.draw(st.lists(st.none() | st.sampled_from(TEXTS) | likely, min_size=1, max_size=4))
    for row, found in by_columns(contents, wanted).items():
        document = json_documents.read(contents[row] or b"")
        assert [exactly(value) for value in found] == [exactly(at(document, place)) for place in wanted]


GOOD = b'{"a":"x","b":{"c":7,"d":"y"},"other":{"rate":1.5,"lines":[{"e":[]}]}}'


def test_objects_of_one_shape_are_read_together_and_whatever_else_they_have() -> None:
    contents = [GOOD, b'{"b":{"c":null},"new":"2026-11-28"}', b'{"a":null,"b":null}', b"{}"]
    wanted: list[Place] = [("a",), ("b", "c"), ("nothing", "here")]
    found = by_columns(contents, wanted)
    assert found == {0: ["x", 7, None], 1: [None, None, None], 2: [None, None, None], 3: [None, None, None]}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("order", [1, -1])
def test_what_arrow_could_read_otherwise_is_read_as_it_is_alone(text: bytes, order: int) -> None:
    contents = [GOOD, text, b'{"a":"x"}{"a":"y"}', GOOD][::order]
    for row, found in by_columns(contents, [("a",)]).items():
        assert found == [json_documents.read(contents[row] or b"").get("a")]


def test_two_rows_in_one_value_make_up_for_none_that_is_lost() -> None:
    two, lost = b'{"a":"x"}{"a":"y"}', b'{"a":"x"}\0}'
    for contents in ([two, lost, GOOD], [GOOD, two, lost], [b'{"b":', two, b'{"c":1}}'], [two, b'{"a":"x"', b"}"]):
        assert by_columns(contents, [("a",)]) == {}


@pytest.mark.parametrize("place", [("b",), ("other",), ("a", "x")])
def test_who_asks_for_what_is_no_text_and_no_number_reads_one_by_one(place: Place) -> None:
    assert by_columns([GOOD], [place]) == {}


def test_a_number_with_a_fraction_is_read_one_by_one_where_it_is_asked_for() -> None:
    assert by_columns([b'{"a":1.50}', b'{"a":1}'], [("a",)]) == {}
    assert by_columns([b'{"a":1}', b'{"a":1.50}'], [("a",)]) == {}
    assert by_columns([b'{"a":1,"b":1.50}'], [("a",)]) == {0: [1]}


def test_a_place_within_another_is_read_one_by_one() -> None:
    assert by_columns([GOOD], [("b",), ("b", "c")]) == {}


def test_an_odd_value_costs_few_other_ones() -> None:
    contents = [GOOD] * 1_000 + [b'{"a":7}'] + [GOOD] * 1_500
    rows = set(by_columns(contents, [("a",)]))
    assert 1_000 not in rows
    assert len(rows) > 2_400


def test_where_most_values_are_odd_the_rest_is_not_tried() -> None:
    odd = [b'{"a":"x"}'] + [b'{"a":7,"b":"%s"}' % (b"x" * 1_000)] * 5_000 + [b'{"a":"y"}'] * 1_000
    assert 6_000 not in by_columns(odd, [("a",)])


def test_what_else_objects_have_may_change_on_the_way() -> None:
    others = [b'{"a":"y","b":{"c":1,"new":"x"},"more":[1]}', b'{"a":"z","more":[1.5],"at":"2026-11-28T03:57:01Z"}']
    others += [b'{"a":"z","more":[null],"at":"later"}']
    contents = [value for value in (GOOD, *others) for _ in range(60)]
    found = by_columns(contents, [("a",), ("b", "c")])
    assert list(found) == list(range(240))
    assert list(found.values())[::60] == [["x", 7], ["y", 1], ["z", None], ["z", None]]


@pytest.mark.parametrize("other", [b"7", b'"y"', b"{"])
def test_names_that_are_ids_are_not_made_columns_of_again_and_again(other: bytes) -> None:
    ids = [b",".join(b'"%d":1' % (row * 30 + name) for name in range(30)) for row in range(400)]
    contents = [b'{"a":"x","b":"y"}'] * 50 + [b'{"a":"x","b":' + other + b"," + of_one + b"}" for of_one in ids]
    assert len(by_columns(contents, [("a",)])) <= 100


def test_large_values_are_read_together_too() -> None:
    contents = [b'{"a":"' + b"x" * 60_000 + b'"}'] * 20
    assert list(by_columns(contents, [("a",)])) == list(range(20))
