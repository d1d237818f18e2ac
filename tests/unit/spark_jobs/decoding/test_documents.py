"""Decoding a batch: one entry per record, in order, whatever its bytes are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import MAX_VALUE_BYTES, Reason
from spark_jobs.decoding.documents import Format, Unreadable, decode
from tests.corpus.cases import read_cases

PLAIN = (Format.JSON, Format.CLOUDEVENTS, Format.DEBEZIUM)
VALUES = [b'{"a":1}', None, b"no json", b'{"schema":null,"payload":{"id":1}}', b""]


def test_each_record_has_its_entry_in_its_place() -> None:
    assert decode(VALUES, [b"k"] * 5, None, Format.JSON) == [
        {"a": 1},
        Unreadable(Reason.TOMBSTONE, "k"),
        Unreadable(Reason.INVALID_JSON),
        {"schema": None, "payload": {"id": 1}},
        Unreadable(Reason.EMPTY_VALUE),
    ]


@pytest.mark.parametrize("fmt", PLAIN)
def test_no_records_are_no_entries(fmt: Format) -> None:
    assert decode([], [], [], fmt) == []


@pytest.mark.parametrize("fmt", PLAIN)
def test_a_value_that_is_too_large_is_not_read(fmt: Format) -> None:
    assert decode([b"{" + b" " * MAX_VALUE_BYTES], None, None, fmt) == [Unreadable(Reason.OVERSIZE)]


@pytest.mark.parametrize("fmt", PLAIN)
@settings(max_examples=100, deadline=None)
@given(
    value=st.none() | st.binary() | st.sampled_from([case.value for case in read_cases()]),
    key=st.none() | st.binary(max_size=20),
    header=st.tuples(st.sampled_from(["ce_id", "ce_specversion", "content-type"]), st.none() | st.binary(max_size=5)),
)
def test_any_bytes_make_a_document_or_a_reason(
    fmt: Format, value: bytes | None, key: bytes | None, header: tuple[str, bytes | None]
) -> None:
    [entry] = decode([value], [key], [[header]], fmt)
    assert isinstance(entry, dict | Unreadable)
