"""Reading values: any bytes make one row, and the fast path reads what the strict path reads."""

import json
import signal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.payment_event import (
    FIELD_NAMES,
    MAX_VALUE_BYTES,
    SCHEMA_VERSION_2,
    SCHEMA_VERSIONS,
    Reason,
    fields_of,
    required_of,
)
from spark_jobs.parsing import json_parsing, strict_json
from spark_jobs.parsing.json_parsing import PARSED_SCHEMA, parse
from tests.corpus.cases import event_bytes, read_cases
from tests.unit.spark_jobs.stream import validated

SEEDS = [case.value for case in read_cases() if case.value and len(case.value) < 2_000]
ORDER = list(Reason)

spaces = st.sampled_from(["", "", "", " ", "\t", "\n", "\r ", "\x0b", "\u00a0"])
strings = st.text(st.characters(), max_size=8) | st.sampled_from(["12.30", "EUR", "a-1", "\ud800", "\u2028", '"', "\\"])
plain = st.builds(json.dumps, strings, ensure_ascii=st.just(True))
values = (
    plain
    | plain
    | plain
    | strings.map(lambda text: f'"{text}"')
    | st.sampled_from(["null", "true", "1", "-0.0e1", "{}", "[]", "NaN", '"\\u0041"', '"\\/"', '"\\x"', "'a'", ""])
)
JSON_NAMES = {version: [field.json_name for field in fields_of(version)] for version in SCHEMA_VERSIONS}
ALL_NAMES = JSON_NAMES[SCHEMA_VERSION_2]
V1 = json_parsing._READERS["1"]
versions = st.sampled_from(SCHEMA_VERSIONS)
fields = st.sampled_from(ALL_NAMES)
keys = (
    fields.map(json.dumps)
    | fields.map(json.dumps)
    | fields.map(lambda name: f'"\\u{ord(name[0]):04x}{name[1:]}"')
    | st.sampled_from(['"note"', '"NOTE"', '""', '"amount "', "amount"])
)
pairs = st.builds(lambda *parts: "".join(parts), spaces, keys, spaces, st.just(":"), spaces, values, spaces)
objects = st.builds(
    lambda before, members, after: f"{before}{{{','.join(members)}}}{after}",
    spaces,
    st.lists(pairs, max_size=14),
    spaces | st.sampled_from(["x", "{}", "\x00"]),
).map(lambda text: text.encode("utf-8", "surrogatepass"))
whole = (st.permutations(JSON_NAMES["1"]) | st.permutations(ALL_NAMES)).map(
    lambda names: json.dumps(dict.fromkeys(names, "x")).encode()
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A known value: cut, doubled, flipped in some bits, or spliced with another."""
    value = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at, to = draw(st.integers(0, len(value))), draw(st.integers(0, len(value)))
        match draw(st.sampled_from(["cut", "double", "flip", "splice", "insert"])):
            case "cut":
                value = value[:at]
            case "double":
                value = value[:at] + value[min(at, to) :]
            case "flip" if value:
                value[at % len(value)] ^= 1 << (to % 8)
            case "splice":
                value = value[:at] + draw(st.sampled_from(SEEDS))[to:]
            case _:
                value[at:at] = draw(st.binary(max_size=3))
    return bytes(value)


anything = st.binary(max_size=200) | mutated() | objects | whole | st.none()


@settings(max_examples=25, deadline=None)
@given(st.lists(anything, max_size=40))
def test_any_bytes_make_one_row_with_reasons_of_the_contract_in_its_order(batch: list[bytes | None]) -> None:
    records = validated(*batch)
    assert records["raw_value"].to_pylist() == batch
    for reasons in records["reasons"].to_pylist():
        assert reasons == sorted(set(reasons), key=ORDER.index)


@settings(max_examples=50, deadline=None)
@given(st.lists(anything, min_size=1, max_size=20))
def test_a_value_is_judged_alike_alone_and_among_others(batch: list[bytes | None]) -> None:
    assert parse(batch).to_pylist() == [row for value in batch for row in parse([value]).to_pylist()]


@settings(max_examples=500, deadline=None)
@given(objects | mutated() | whole, versions)
def test_each_fast_path_reads_what_the_strict_path_reads(value: bytes, version: str) -> None:
    reader = json_parsing._READERS[version]
    together = json_parsing._together([value], reader)
    absent = (None,) * reader.missing
    rows = [json_parsing._fast(value, reader), together and (*together.to_pylist()[0].values(), *absent)]
    strict = strict_json.read(value, version=version)
    for row in rows:
        if row is None:
            continue
        is_missing = any(row[FIELD_NAMES.index(name)] is None for name in required_of(version))
        assert row == strict.values
        assert strict.reasons == ([Reason.MISSING_FIELD] if is_missing else [])
        assert strict.extra_fields is None


@settings(max_examples=100, deadline=None)
@given(st.lists(whole, max_size=3), st.lists(objects | mutated(), max_size=3), st.lists(whole, max_size=3))
def test_values_read_together_are_each_what_it_is_alone(
    before: list[bytes], some: list[bytes], after: list[bytes]
) -> None:
    batch = [*before, *some, *after]
    together = json_parsing._together(batch, V1) if batch else None
    if together is not None:
        found = [tuple(row.values()) for row in together.to_pylist()]
        assert found == [strict_json.read(v).values[: V1.width] for v in batch]


@pytest.mark.parametrize(
    "batch",
    [
        [event_bytes() + b" null"],
        [event_bytes() + b"{}", b" "],
        [event_bytes()[:-1], b"}"],
        [b'{"amount":"1",', b'"currency":"EUR"}', b"{}"],
        [event_bytes() + event_bytes(), b"null"],
        [event_bytes(), None],
        [b""],
        [event_bytes(), b"\xef\xbb\xbf" + event_bytes()],
        [event_bytes().replace(b"EUR", b"\xff")],
    ],
)
def test_values_are_not_read_together_where_one_ends_elsewhere_than_its_object(batch: list[bytes | None]) -> None:
    assert json_parsing._together(batch, V1) is None


def test_the_fast_paths_are_taken_by_a_plain_event() -> None:
    spaced = event_bytes().replace(b":", b" : ").replace(b",", b"\n,\t")
    assert json_parsing._fast(event_bytes(), V1)
    assert json_parsing._fast(spaced, V1)
    assert json_parsing._together([event_bytes(), spaced], V1) is not None
    assert json_parsing._together([event_bytes({"country": "null"})], V1) is not None


@settings(max_examples=150, deadline=None)
@given(objects, versions)
def test_the_strict_path_reads_what_the_standard_library_reads(value: bytes, version: str) -> None:
    strict = strict_json.read(value, version=version)
    if set(strict.reasons) - {Reason.WRONG_TYPE, Reason.MISSING_FIELD}:
        return
    event = json.loads(value)
    names = JSON_NAMES[version]
    read = tuple(v if isinstance(v := event.get(name), str) else None for name in names)
    assert strict.values == (*read, *(None,) * (len(FIELD_NAMES) - len(names)))
    unknown = {name: v for name, v in event.items() if name not in names}
    assert json.loads(strict.extra_fields or "{}") == unknown


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text().filter(lambda name: name not in ALL_NAMES), json_values, min_size=1), st.booleans())
def test_whatever_unknown_fields_hold_the_payment_is_read_and_they_are_kept(
    unknown: dict[str, object], ensure_ascii: bool
) -> None:
    event = json.loads(event_bytes())
    [row] = parse([json.dumps(event | unknown, ensure_ascii=ensure_ascii).encode()]).to_pylist()
    assert row["parse_reasons"] is None
    assert {name: row[name] for name in event} == event
    assert json.loads(row["extra_fields"]) == unknown


def test_unknown_fields_keep_their_very_digits() -> None:
    [row] = parse([event_bytes({"rate": "1.10", "big": "12345678901234567890.0"})]).to_pylist()
    assert row["extra_fields"] == '{"rate":1.10,"big":12345678901234567890.0}'


def test_no_values_are_no_rows() -> None:
    assert (parse([]).num_rows, parse([]).schema) == (0, PARSED_SCHEMA)


HOSTILE = {
    "escaped quotes that no quote ends": b"[" * 40 + b'"' + b'\\"' * 16_000,
    "backslashes": b"[" * 40 + b'"' + b"\\" * 16_000,
    "quotes": b"[" * 40 + b'"' * 16_000,
    "line feeds after backslashes": b"[" * 40 + b'"\\\n' * 8_000,
    "brackets": b"[" * MAX_VALUE_BYTES,
    "braces and names": b'{"a":' * 13_000,
    "one long number": event_bytes({"note": "9" * 60_000}),
    "many names": b"{" + b",".join(b'"%d":1' % n for n in range(6_000)) + b"}",
    "many names, all alike": b"{" + b",".join([b'"a":1'] * 6_000) + b"}",
    "many objects": event_bytes({"note": "[" + ",".join(["{}"] * 20_000) + "]"}),
    "an address of colons": event_bytes({"ip_address": f'"{"1:" * 30_000}"'}),
    "an address of digits": event_bytes({"ip_address": f'"{"1" * 60_000}"'}),
    "an amount of digits": event_bytes({"amount": f'"{"1" * 60_000}."'}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_value_within_the_limit_of_size_is_one_row_and_reading_it_ends(name: str) -> None:
    # A watchdog, not a measurement: this takes milliseconds, and minutes where cost grows by the square of the size.
    signal.signal(signal.SIGVTALRM, _gives_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, 30)
    try:
        assert validated(HOSTILE[name]).num_rows == 1
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)


def _gives_up(_signal: int, _frame: object) -> None:
    raise AssertionError("a value of 64 KB took 30 seconds of CPU")


@pytest.mark.parametrize(
    ("key", "reason", "named"),
    [
        (b"payment-1", "TOMBSTONE", "payment-1"),
        (None, "EMPTY_VALUE", None),
        (b"", "EMPTY_VALUE", None),
        (b'"payment-1"', "TOMBSTONE", "payment-1"),
        (b'{"transaction_id":"payment-1"}', "TOMBSTONE", "payment-1"),
        (b'{"schema":{},"payload":{"id":"payment-1"}}', "TOMBSTONE", "payment-1"),
        (b'{"sender":"a","receiver":"b"}', "EMPTY_VALUE", None),
        (b"payment-1\n", "EMPTY_VALUE", None),
        (b"\xff", "EMPTY_VALUE", None),
    ],
)
def test_no_value_deletes_the_payment_that_the_key_names(key: bytes | None, reason: str, named: str | None) -> None:
    [deleted, valued] = parse([None, b""], [key, key]).to_pylist()
    assert (deleted["parse_reasons"], deleted["transaction_id"]) == ([reason], named)
    assert (valued["parse_reasons"], valued["transaction_id"]) == (["EMPTY_VALUE"], None)


REFUND = event_bytes({"kind": '"refund"', "original_transaction_id": '"t-0"', "status": '"settled"'})


def test_an_event_of_version_1_keeps_what_version_2_calls_fields_as_unknown_fields() -> None:
    for versions_ in (None, pa.array([None]), pa.array(["1"])):
        [row] = parse([REFUND], versions=versions_).to_pylist()
        assert (row["payment_kind"], row["status"]) == (None, None)
        assert json.loads(row["extra_fields"]) == {
            "kind": "refund",
            "original_transaction_id": "t-0",
            "status": "settled",
        }


def test_an_event_of_version_2_has_a_kind_an_original_and_a_status() -> None:
    [row] = parse([REFUND], versions=pa.array(["2"])).to_pylist()
    assert (row["payment_kind"], row["original_transaction_id"], row["status"]) == ("refund", "t-0", "settled")
    assert (row["extra_fields"], row["parse_reasons"]) == (None, None)


@pytest.mark.parametrize("version", ["3", "", "1.0", " 2"])
def test_of_a_version_that_is_not_supported_nothing_is_read(version: str) -> None:
    [row] = parse([REFUND], versions=pa.array([version])).to_pylist()
    assert row.pop("parse_reasons") == ["UNSUPPORTED_SCHEMA_VERSION"]
    assert set(row.values()) == {None}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(anything, st.sampled_from(["1", "2", "3", None])), min_size=1, max_size=20))
def test_versions_may_be_mixed(batch: list[tuple[bytes | None, str | None]]) -> None:
    found = parse([value for value, _ in batch], versions=pa.array([v for _, v in batch], pa.string())).to_pylist()
    assert found == [parse([value], versions=pa.array([v], pa.string())).to_pylist()[0] for value, v in batch]
