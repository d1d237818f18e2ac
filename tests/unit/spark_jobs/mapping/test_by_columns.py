"""A mapping over columns: each record becomes what it becomes alone, or is left for whoever looks at it alone."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.decoding.columns.places import Columns, Place
from spark_jobs.mapping.apply import apply
from spark_jobs.mapping.by_columns import ColumnMapping, column_mapping
from spark_jobs.mapping.flat import NotFlat
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.mapping.spec import Mapping, read_mapping
from tests.unit.spark_jobs.decoding.columns.documents import at
from tests.unit.spark_jobs.mapping.drawn import mappings
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD, PAYMENT

CENTS = pa.decimal128(38, 2)
TEXTS = st.sampled_from(["paid", "eur", "EUR", "İ", "visa", "12.30", "12.3", "0", "-0.5", "007", "1e9", "AQI=", "é"])
TIMES = st.sampled_from(["2026-11-28T03:57:01Z", "2026-10-25T02:30:00", "202611280357", "1795838221", "1795838221.5"])
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), TEXTS | TIMES | st.text(max_size=6)),
    "other": (pa.string(), TEXTS),
    "whole": (pa.int64(), st.sampled_from([0, 1, -5, 1999, 1795838221, 2**63 - 1]) | st.integers(-(2**63), 2**63 - 1)),
    "flag": (pa.bool_(), st.booleans()),
    "money": (CENTS, st.integers(-(10**30), 10**30).map(lambda cents: Decimal(cents).scaleb(-2))),
}
"""Names, with a column's type and its values."""

PATHS = st.sampled_from(["data.text", "data.text", "data.other", "data.whole", "data.flag", "data.money", "nothing"])
EXPRESSIONS: st.SearchStrategy[str] = st.recursive(
    PATHS | st.sampled_from(["'EUR'", "'2026-11-28T03:57:01Z'", "'12.30'"]),
    lambda inner: st.one_of(
        st.builds("{}({})".format, st.sampled_from(["upper", "lower", "trim", "hash", "escape"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["first", "hash", "escape", "if_there"]), inner, inner),
        st.builds("pad({}, 4)".format, inner),
        st.builds("{} + '-' + {}".format, inner, inner),
        st.builds("after_last({}, '.')".format, inner),
    ),
    max_leaves=3,
)


def columns_of(values: list[dict[str, Any]]) -> Columns:
    """The columns of such documents, whose records are every other one of a batch."""
    found = {("data", name): pa.array([of.get(name) for of in values], type_) for name, (type_, _) in KINDS.items()}
    nothing: dict[Place, pa.Array] = {("nothing",): pa.nulls(len(values), pa.string())}
    return Columns(np.arange(0, 2 * len(values), 2), found | nothing)


def assert_as_alone(mapping: Mapping, documents: list[Any], columns: Columns) -> None:
    """What is judged is all that has no reason, and it is what apply makes of it."""
    judged = ColumnMapping(mapping, MINOR_UNITS).judge(columns)
    alone = apply(mapping, documents)
    rows = alone.parsed.to_pylist()
    plain = [index for index, row in enumerate(rows) if row["parse_reasons"] is None]
    assert judged.rows.tolist() == columns.rows[plain].tolist()
    assert judged.ignored.to_pylist() == [alone.ignored[index] for index in plain]
    judged_rows = zip(
        plain, *(each.to_pylist() for each in (judged.parsed, judged.ignored, judged.dropped)), strict=True
    )
    for index, row, ignored, dropped in judged_rows:
        assert ignored is not None or (row, dropped) == (rows[index], alone.dropped[index])


@settings(max_examples=200, deadline=None)
@given(
    mappings(EXPRESSIONS),
    st.lists(
        st.fixed_dictionaries({}, optional={name: st.none() | values for name, (_, values) in KINDS.items()}),
        max_size=5,
    ),
)
def test_each_record_becomes_what_it_becomes_alone(text: str, values: list[dict[str, Any]]) -> None:
    try:
        mapping = read_mapping(text)
    except MappingError:
        return
    assert_as_alone(mapping, [{"data": of} for of in values], columns_of(values))


def of_documents(mapping: Mapping, documents: list[Any]) -> Columns:
    """The columns of documents that have texts and numbers at the mapping's places."""
    found = {}
    for place in ColumnMapping(mapping, MINOR_UNITS).places:
        column = pa.array([at(document, place) for document in documents])
        found[place] = column.cast(pa.string()) if pa.types.is_null(column.type) else column
    return Columns(np.arange(len(documents)), found)


def test_payments_are_read_ignored_or_left() -> None:
    eur, jpy, unknown = ({"amount": 1999, "currency": currency} for currency in ("eur", "jpy", "xxx"))
    changes: list[dict[str, Any]] = [
        {"shop": "Café"},
        {"shop": None, "status": "open"},
        {"shop": None, "money": unknown},
        {"shop": None, "status": None},
        {"shop": None, "money": jpy},
    ]
    mapping = read_mapping(GOOD)
    judged = ColumnMapping(mapping, MINOR_UNITS).judge(
        of_documents(mapping, [DOCUMENT | {"money": eur} | change for change in changes])
    )
    assert judged.rows.tolist() == [0, 1, 4], "one has no minor unit, and of one it cannot be told whether it is paid"
    assert judged.ignored.to_pylist() == [None, "not-paid", None]
    first, _, last = judged.parsed.to_pylist()
    assert {name: text for name, text in first.items() if text} == PAYMENT | {"extra_fields": '{"shop":"Café"}'}
    assert (last["amount"], last["currency"]) == ("1999", "JPY")


def test_amounts_are_the_texts_that_the_contract_wants_however_they_are_written() -> None:
    mapping = read_mapping(GOOD.replace('unit = "minor"', 'unit = "major"'))
    texts = ["12.3", "12.30", "0012", "0", "0.05", "705.00", ".5", "1e3", "-7", "9" * 39, "9" * 60 + "1", "1\n", None]
    documents = [DOCUMENT | {"shop": None, "money": {"amount": text, "currency": "eur"}} for text in texts]
    assert_as_alone(mapping, documents, of_documents(mapping, documents))


def test_a_kind_that_the_mapping_names_is_not_guessed_where_a_record_lacks_it() -> None:
    mapping = read_mapping(GOOD + "[fields.kind]\nfrom = 'type'\n")
    documents = [DOCUMENT | {"shop": None, "type": kind} for kind in ("refund", None)]
    judged = ColumnMapping(mapping, MINOR_UNITS).judge(of_documents(mapping, documents))
    assert (judged.rows.tolist(), judged.parsed["payment_kind"].to_pylist()) == ([0], ["refund"])


@pytest.mark.parametrize("source", ["key()", "payers[0].id", "header('payer')"])
def test_a_mapping_that_asks_for_more_than_places_has_no_columns(source: str) -> None:
    mapping = read_mapping(GOOD.replace('"payer.id"', f'"{source}"'))
    assert column_mapping(mapping, tuple(MINOR_UNITS.items())) is None
    with pytest.raises(NotFlat):
        ColumnMapping(mapping, MINOR_UNITS)


def test_a_mapping_over_columns_is_made_once() -> None:
    units = tuple(MINOR_UNITS.items())
    assert column_mapping(read_mapping(GOOD), units) is column_mapping(read_mapping(GOOD), units)
