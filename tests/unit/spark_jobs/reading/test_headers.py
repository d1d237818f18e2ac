"""A record's headers as a text and back: nothing is lost, nothing is mixed up, and equal ones are made once."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.decoding.results import Headers
from spark_jobs.reading.headers import HEADERS_TYPE, TEXTS_TYPE, column_of, from_text, lists_of, texts_of, to_text
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.stream import Record, Stream

ONE = [("schema_version", b"1")]
PAIRS = [("traceparent", b"00-ab-01"), ("bin", b"\xff\x00"), ("none", None), ("traceparent", "é".encode())]

values = st.none() | st.binary(max_size=6) | st.text(max_size=3).map(str.encode)
headers = st.lists(st.tuples(st.text(max_size=3), values), min_size=1, max_size=3)


def texts(*of: Headers | None) -> list[str | None]:
    found: list[str | None] = texts_of(column_of(of), len(of)).cast(pa.string()).to_pylist()
    return found


def test_a_text_can_be_read_by_people_and_keeps_bytes_that_are_none() -> None:
    expected = '[["traceparent","00-ab-01"],["bin",{"base64":"/wA="}],["none",null],["traceparent","é"]]'
    assert to_text(PAIRS) == expected
    assert from_text(expected) == PAIRS
    assert from_text(None) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | headers, max_size=6))
def test_what_was_written_is_read_again(of: list[list[tuple[str, bytes | None]] | None]) -> None:
    found = texts_of(column_of(of), len(of))
    assert found.type == TEXTS_TYPE
    assert [from_text(text) for text in found.to_pylist()] == of
    assert lists_of(column_of(of)) == of


@pytest.mark.parametrize(
    "column", [None, pa.nulls(3, HEADERS_TYPE), column_of([[], None, []])], ids=["unread", "null", "empty"]
)
def test_records_without_headers_have_no_text(column: pa.ListArray | None) -> None:
    assert texts_of(column, 3).to_pylist() == [None] * 3


def test_headers_that_all_records_have_are_one_text() -> None:
    assert texts(ONE, ONE, ONE) == [to_text(ONE)] * 3
    assert len(texts_of(column_of([PAIRS] * 5), 5).dictionary) == 1
    assert len(texts_of(column_of([PAIRS] * 9).slice(2, 5), 5).dictionary) == 1


@pytest.mark.parametrize("other", [[("schema_version", b"2")], [("schema", b"1")], [*ONE, *ONE], None])
def test_one_record_with_other_headers_keeps_its_own(other: Headers | None) -> None:
    for at in range(3):
        of: list[Headers | None] = [ONE, ONE, ONE]
        of[at] = other
        assert [from_text(text) for text in texts(*of)] == of


def test_headers_are_kept_where_the_raw_value_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    stream = Stream(tmp_path_factory.mktemp("headers"), buckets=2)
    values = [event_bytes(), event_bytes(), b"?", b"!"]
    kept = [tuple(PAIRS), tuple(ONE), tuple(PAIRS), None]
    records = [Record(v, offset=n, headers=h) for n, (v, h) in enumerate(zip(values, kept, strict=True))]
    staged = stream.take(records, chunk=3).sort_by("kafka_offset")
    assert staged["disposition"].to_pylist()[0] == Disposition.UNIQUE
    assert staged["headers"].to_pylist() == [None, to_text(ONE), to_text(PAIRS), None]
