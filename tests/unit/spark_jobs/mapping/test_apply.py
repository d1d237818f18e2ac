"""Many records by a mapping: any document, any mapping that can be read, one outcome each."""

import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import Reason
from spark_jobs.decoding.results import Unreadable
from spark_jobs.mapping.apply import apply
from spark_jobs.mapping.mapping_error import MappingError
from spark_jobs.mapping.spec import Mapping, read_mapping
from spark_jobs.mapping.trials.outcomes import KafkaRecord, outcomes_of
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA
from tests.unit.spark_jobs.mapping.drawn import mappings
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD

NAMES = ["id", "status", "payer", "money", "amount", "currency", "paid_at", "method", "country", "items", "shop"]


def test_columns_are_those_of_parsing_one_row_a_document() -> None:
    documents: list[Any] = [DOCUMENT, DOCUMENT | {"status": "open"}, DOCUMENT | {"paid_at": "x"}, []]
    documents.append(Unreadable(Reason.INVALID_JSON))
    mapped = apply(read_mapping(GOOD), documents)
    assert mapped.parsed.schema == PARSED_SCHEMA
    assert mapped.ignored == [None, "not-paid", None, None, None]
    assert mapped.parsed["transaction_id"].to_pylist() == ["p_1", None, "p_1", None, None]
    reasons = mapped.parsed["parse_reasons"].to_pylist()
    assert reasons == [None, None, ["INVALID_EVENT_TIME"], ["NOT_AN_OBJECT"], ["INVALID_JSON"]]


def test_no_records_are_no_rows() -> None:
    mapped = apply(read_mapping(GOOD), [])
    assert (mapped.parsed.num_rows, mapped.ignored) == (0, [])


def test_keys_headers_and_timestamps_reach_the_mapping() -> None:
    text = GOOD.replace('"payer.id"', "\"header('payer') + '-' + key()\"").replace('"paid_at"', '"timestamp()"')
    mapping = read_mapping(text.replace("epoch_s", "epoch_us"))
    moments = pa.array([1795838221000000], pa.timestamp("us", "UTC"))
    for timestamps in (moments, pa.chunked_array([moments]), [1795838221000000]):
        mapped = apply(mapping, [DOCUMENT], [b"k"], [[("payer", b"h")]], timestamps)
        [row] = mapped.parsed.to_pylist()
        assert (row["sender_account_id"], row["event_time"]) == ("h-k", "2026-11-28T03:57:01Z")


def test_the_minor_units_are_those_that_the_records_are_judged_by() -> None:
    foreign = DOCUMENT | {"money": {"amount": 1999, "currency": "xts"}}
    assert apply(read_mapping(GOOD), [foreign]).parsed["parse_reasons"].to_pylist() == [["UNKNOWN_MINOR_UNIT"]]
    assert apply(read_mapping(GOOD), [foreign], minor_units={"XTS": 3}).parsed["amount"].to_pylist() == ["1.999"]


def test_a_record_without_a_value_is_a_tombstone_unless_a_rule_ignores_it() -> None:
    gone = [
        Unreadable(Reason.TOMBSTONE, "a"),
        Unreadable(Reason.TOMBSTONE, None, {"id": "p_1"}),
        Unreadable(Reason.EMPTY_VALUE),
    ]
    mapped = apply(read_mapping(GOOD), gone, [b"a", b"b", b"c"])
    assert mapped.parsed["transaction_id"].to_pylist() == ["a", "p_1", None]
    assert mapped.parsed["parse_reasons"].to_pylist() == [["TOMBSTONE"], ["TOMBSTONE"], ["EMPTY_VALUE"]]
    rule = '[[ignore]]\nrule = "deletion"\ntombstone = true\n[fields]'
    assert apply(read_mapping(GOOD.replace("[fields]\n", rule + "\n")), gone).ignored == ["deletion"] * 3


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1999, 1795838221, 10**70]),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from(["paid", "eur", "EUR", "XXX", "visa", "DE", "12.30", "1e9", "2026-11-28T03:57:01Z", "\ud800"]),
    st.text(max_size=8),
)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), inner),
    max_leaves=12,
)
LIKELY = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, DOCUMENTS)).map(lambda found: DOCUMENT | found)
STEPS = st.sampled_from(NAMES).map(lambda name: f".{name}") | st.sampled_from(["[0]", "[-1]", "[only]", "[id=p_1]"])
PATHS = st.builds(lambda name, steps: name + "".join(steps), st.sampled_from(NAMES), st.lists(STEPS, max_size=3))
EXPRESSIONS: st.SearchStrategy[str] = st.recursive(
    PATHS | st.sampled_from(["'EUR'", "'a:b'", "key()", "timestamp()", "header('h')"]),
    lambda inner: st.one_of(
        st.builds("{}({})".format, st.sampled_from(["upper", "lower", "trim", "hash", "escape"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["first", "hash", "escape"]), inner, inner),
        st.builds("pad({}, 4)".format, inner),
        st.builds("{} + '-' + {}".format, inner, inner),
    ),
    max_leaves=4,
)


@settings(max_examples=100, deadline=None)
@given(
    mappings(EXPRESSIONS),
    st.lists(LIKELY | DOCUMENTS, min_size=1, max_size=4),
    st.binary(max_size=4),
    st.integers(0, 2**50),
)
def test_any_mapping_that_is_accepted_gives_any_document_one_outcome(
    text: str, documents: list[Any], key: bytes, timestamp: int
) -> None:
    try:
        mapping = read_mapping(text)
    except MappingError:
        return
    count = len(documents)
    headers = [[("h", key), ("h", None)][: 1 + timestamp % 2]] * count
    mapped = apply(mapping, documents, [key] * count, headers, [timestamp] * count)
    assert mapped.parsed.schema == PARSED_SCHEMA
    assert mapped.parsed.num_rows == len(mapped.ignored) == count
    for row, ignored in zip(mapped.parsed.to_pylist(), mapped.ignored, strict=True):
        assert ignored is None or set(row.values()) == {None}
    assert Mapping.from_json(mapping.to_json()) == mapping


def as_bytes(document: Any) -> bytes:
    """JSON, with its last byte cut now and then."""
    written = json.dumps(document, default=str).encode()
    return written[: len(written) - len(written) % 2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.binary(max_size=40) | LIKELY.map(as_bytes), min_size=1, max_size=4))
def test_any_bytes_have_one_outcome(values: list[bytes | None]) -> None:
    outcomes = outcomes_of(read_mapping(GOOD), [KafkaRecord(value, key=b"k") for value in values])
    assert len(outcomes) == len(values)
    for outcome in outcomes:
        assert (outcome.row is not None) + bool(outcome.reasons) + (outcome.ignored is not None) == 1


def test_money_is_never_a_float() -> None:
    amounts = [9007199254740993, Decimal("1.00"), 19.99]
    documents = [DOCUMENT | {"money": {"amount": amount, "currency": "EUR"}} for amount in amounts]
    priced = apply(read_mapping(GOOD), documents)
    assert priced.parsed["amount"].to_pylist() == ["90071992547409.93", "0.01", None]
    assert priced.parsed["parse_reasons"].to_pylist() == [None, None, ["WRONG_TYPE"]]
