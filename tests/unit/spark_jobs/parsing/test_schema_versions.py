"""The header that names a version: of many records at once what it is of each alone."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import SCHEMA_VERSION_HEADER, SCHEMA_VERSIONS
from spark_jobs.parsing.schema_versions import UNKNOWN_VERSION, versions_of

type Headers = list[tuple[str, bytes | None]] | None

TYPE = pa.list_(pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))
ONE: list[tuple[str, bytes | None]] = [(SCHEMA_VERSION_HEADER, b"1")]
TWO: list[tuple[str, bytes | None]] = [(SCHEMA_VERSION_HEADER, b"2")]

names = st.sampled_from([SCHEMA_VERSION_HEADER, "Schema_Version", "traceparent"])
values = st.none() | st.sampled_from([b"1", b"2", b"3", b"", b" 2", b"\xff"])
headers = st.none() | st.lists(st.tuples(names, values), max_size=4)


def column(of: list[Headers]) -> pa.ListArray:
    rows = [None if each is None else [{"key": name, "value": value} for name, value in each] for each in of]
    return pa.array(rows, TYPE)


def alone(each: Headers) -> str | None:
    named = [value for name, value in each or [] if name == SCHEMA_VERSION_HEADER and value is not None]
    if not named:
        return None
    known = [version for version in SCHEMA_VERSIONS if version.encode() == named[-1]]
    return known[0] if known else UNKNOWN_VERSION


@settings(max_examples=200, deadline=None)
@given(st.lists(headers, max_size=8), st.integers(0, 3))
def test_each_record_has_the_version_that_its_last_header_names(of: list[Headers], skipped: int) -> None:
    found = versions_of(column(of).slice(skipped))
    expected = [alone(each) for each in of[skipped:]]
    assert (None if found is None else found.to_pylist()) == (expected if any(expected) else None)


@pytest.mark.parametrize("of", [None, column([]), column([None, []]), column([[("traceparent", b"1")]])])
def test_where_no_record_names_one_nothing_is_made(of: pa.ListArray | None) -> None:
    assert versions_of(of) is None


def test_a_version_is_known_by_its_very_bytes() -> None:
    message: list[Headers] = [
        ONE,
        TWO,
        None,
        [*ONE, *TWO],
        [(SCHEMA_VERSION_HEADER, b"2.0")],
        [(SCHEMA_VERSION_HEADER, None)],
    ]
    found = versions_of(column(message))
    assert found is not None
    assert found.to_pylist() == ["1", "2", None, "2", UNKNOWN_VERSION, None]
