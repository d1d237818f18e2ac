"""JSON documents: the quick reading gives what the strict one gives, and every number is exact."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import MAX_NESTING, MAX_VALUE_BYTES, Reason
from spark_jobs.decoding import json_documents
from spark_jobs.decoding.json_documents import read
from spark_jobs.parsing.json_text import Refused

names = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"c d"', '"\\""', '":"', '"\\ud800"'])
leaves = st.sampled_from(
    ['"x"', '""', '"\\""', '"\\\\"', '"\\\\\\""', '":"', '"\\ud800"', '"\\ud83d\\ude00"', "1", "-0", "1.10", "1e400"]
) | st.sampled_from(["1e9999999999999999999", "9" * 25, "9" * 5_000, "null", "true", "NaN", "[]", "{}", "01", "'a'"])
spaces = st.sampled_from(["", "", " ", "\n"])


def objects_of(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """JSON objects of these values, names repeated and all."""
    member = st.builds("{}{}:{}{}".format, names, spaces, spaces, inner)
    return st.lists(member, max_size=4).map(lambda members: f"{{{','.join(members)}}}")


values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]") | objects_of(inner),
    max_leaves=6,
)


def reason_of(value: bytes) -> Reason:
    with pytest.raises(Refused) as refused:
        read(value)
    return refused.value.reason


@settings(max_examples=200, deadline=None)
@given(objects_of(values), st.sampled_from(["", " ", "x", "{}"]))
def test_the_quick_reading_gives_what_the_strict_one_gives(text: str, after: str) -> None:
    value = (text + after).encode()
    quick = json_documents._quick(value)
    if quick is not None:
        assert repr(quick) == repr(json_documents._strict(value))


def test_a_plain_document_is_read_quickly() -> None:
    for value in (
        b'{"a":"b"}',
        b'{"a" : {"b":[1, "x", null]}, "c":"say \\"hello\\""}',
        b'{"u":"https:\\/\\/a.example"}',
    ):
        assert json_documents._quick(value) == json.loads(value)


def test_every_number_is_exact() -> None:
    assert read(b'{"a":1.10,"b":-0.0,"c":1e400,"d":12345678901234567890123.000000001,"e":7,"f":-0}') == {
        "a": Decimal("1.10"),
        "b": Decimal("-0.0"),
        "c": Decimal("1E+400"),
        "d": Decimal("12345678901234567890123.000000001"),
        "e": 7,
        "f": 0,
    }
    assert str(read(b'{"a":1.10}')["a"]) == "1.10"
    assert read(b'{"a":' + b"9" * 5_000 + b"}") == {"a": Decimal("9" * 5_000)}


def plain(value: Any) -> bool:
    """Whether a value is of the types that a document may hold."""
    if isinstance(value, dict):
        return all(type(name) is str and plain(content) for name, content in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, bool, Decimal)


@settings(max_examples=60, deadline=None)
@given(objects_of(values))
def test_a_document_holds_plain_values_and_no_float(text: str) -> None:
    try:
        document = read(text.encode())
    except Refused:
        return
    assert plain(document)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b" ", Reason.EMPTY_VALUE),
        (b'{"a":"' + b"x" * MAX_VALUE_BYTES + b'"}', Reason.OVERSIZE),
        (b'{"a":"\xff"}', Reason.INVALID_UTF8),
        (b'{"a":' + b"[" * MAX_NESTING + b"]" * MAX_NESTING + b"}", Reason.TOO_DEEP),
        (b'{"a":1e9999999999999999999}', Reason.INVALID_JSON),
        (b'{"a":1,}', Reason.INVALID_JSON),
        (b"\x00{}", Reason.INVALID_JSON),
        (b'"a"', Reason.NOT_AN_OBJECT),
        (b'{"a":1,"a":1}', Reason.DUPLICATE_KEY),
        (b'{"a":1,"\\u0061":1}', Reason.DUPLICATE_KEY),
        (b'{"x":[{"a" :1,"a":1}]}', Reason.DUPLICATE_KEY),
    ],
)
def test_what_is_no_json_of_ours_is_refused_with_the_contracts_reason(value: bytes, reason: Reason) -> None:
    assert reason_of(value) is reason


def test_half_of_a_surrogate_pair_costs_no_payment_that_does_not_use_it() -> None:
    assert read(b'{"a":1,"note":"\\ud83d"}') == {"a": 1, "note": "\ud83d"}


def test_the_deepest_nesting_that_is_allowed_is_read_quickly() -> None:
    value = b'{"a":' + b"[" * (MAX_NESTING - 1) + b"]" * (MAX_NESTING - 1) + b"}"
    assert json_documents._quick(value) == json.loads(value)
