"""Every rule of the contract, held against a second judgement in plain Python."""

import hashlib
import ipaddress
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.contract.code_lists import CodeLists, lists_of_now
from spark_jobs.contract.currencies import MINOR_UNITS, PERIODS
from spark_jobs.contract.iso_codes import COUNTRIES
from spark_jobs.contract.payment_event import (
    DEVICE_TYPES,
    FIELD_NAMES,
    FIELDS,
    IPV4_PATTERN,
    LABEL_REASONS,
    LABELS,
    MAX_AMOUNT,
    PAYMENT_METHODS,
    STATUSES,
    V1_FIELDS,
    V2_FIELDS,
    PaymentKind,
    UnreadableLabels,
)
from spark_jobs.parsing import validation
from spark_jobs.parsing.json_parsing import parse
from spark_jobs.parsing.validation import VALIDATED_SCHEMA, validate
from tests.corpus.cases import EVENT
from tests.unit.spark_jobs import oracle
from tests.unit.spark_jobs.stream import KAFKA_US, us, validated

Event = dict[str, str | None]
VALID: Event = {name: json.loads(text) for name, text in EVENT.items()}
CURRENT = {code: units for code, units in MINOR_UNITS.items() if not PERIODS.get(code, ("", ""))[1]}
"""Those that are valid at the valid event's time."""


class _JsonNames(dict[str, str]):
    """A field's name in JSON; an unknown field's is its own."""

    def __missing__(self, name: str) -> str:
        return name


LATER = {field.name for field in V2_FIELDS}
JSON_NAMES = _JsonNames({field.name: field.json_name for field in FIELDS})
HOLDING = lists_of_now(UnreadableLabels.HOLD)
in_batches = settings(max_examples=20, deadline=None)


letters = st.text(st.sampled_from("aZ09_-"), min_size=1, max_size=64)
noise = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
ids = letters | noise | letters.map(lambda text: text + "\n")
digits = st.integers(0, 10**14).map(str)
amounts = (
    st.builds(lambda whole, part: f"{whole}.{part}", digits, st.text("0123456789", min_size=1, max_size=6))
    | digits
    | digits.map(lambda text: f"-{text}")
    | st.sampled_from(["1000000000000", "1000000000000.0", "1000000000000.0001", "1000000000000.00001", "-0", "0.00"])
    | st.sampled_from(["999999999999.99995", "999999999999.9999", "1000000000000.00000", "00", "01", ".1", "1.", "+1"])
    | st.text("0123456789.-+eE ,", max_size=8)
)
clocks = st.builds(
    lambda y, mo, d, t, h, mi, s, f, z: f"{y:04}-{mo:02}-{d:02}{t}{h:02}:{mi:02}:{s:02}{f}{z}",
    st.sampled_from([0, 1, 4, 1582, 1900, 1999, 2000, 2024, 2026, 2027, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from("TTTTTt _"),
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["", ".", ".0", ".5", ".999999", ".0000005", ".999999999", ".1234567890"]),
    st.sampled_from(["Z", "z", "", "+00:00", "-00:00", "+14:00", "-23:59", "+23:59", "+24:00", "+05:60", "+0530"]),
)
near_now = st.builds(
    lambda minute, second, part: f"2026-11-21T12:{minute:02}:{second:02}.{part:06}Z",
    st.integers(4, 6),
    st.integers(0, 2),
    st.integers(0, 2),
)
addresses = (
    st.ip_addresses().map(str)
    | st.ip_addresses(v=6).map(lambda address: ipaddress.IPv6Address(address).exploded)
    | st.text("0123456789abcdefABCDEF:.%/", max_size=45)
    | st.lists(st.sampled_from(["", "0", "1", "ffff", "12345", "g"]), min_size=2, max_size=10).map(":".join)
    | st.lists(st.sampled_from(["", "0", "00", "01", "9", "255", "256", "-1"]), min_size=3, max_size=5).map(".".join)
    | st.builds(
        lambda groups, v4: ":".join([*groups, v4]),
        st.lists(st.sampled_from(["", "1", "ab"]), min_size=1, max_size=8),
        st.ip_addresses(v=4).map(str),
    )
)
events = st.fixed_dictionaries(
    {name: st.just(text) | st.just(text) | st.none() | noise for name, text in VALID.items()}
    | {
        "transaction_id": ids,
        "sender_account_id": st.just("a-1") | ids,
        "receiver_account_id": st.sampled_from(["a-1", "a-2"]) | ids,
        "event_time": st.just(VALID["event_time"]) | clocks | near_now,
        "amount": st.just("12.30") | amounts,
        "currency": st.sampled_from(sorted(MINOR_UNITS)) | st.sampled_from(["XXX", "eur", "", "EUR "]),
    },
    optional={
        "country": st.sampled_from(COUNTRIES) | noise | st.none(),
        "device_id": ids,
        "device_type": st.sampled_from([*DEVICE_TYPES, "iOS", ""]),
        "ip_address": addresses,
        "payment_method": st.sampled_from([*PAYMENT_METHODS, "CARD"]) | st.none(),
        "payment_kind": st.sampled_from([*PaymentKind, "REFUND"]) | st.none(),
        "original_transaction_id": ids,
        "status": st.sampled_from([*STATUSES, "SUCCEEDED"]) | st.none(),
        "merchant_category": st.text("0123456789", min_size=3, max_size=5) | st.sampled_from(["\u0661234", "5411\n"]),
    },
)


def judged(*batch: Event, lists: CodeLists | None = None) -> pa.Table:
    """Of version 2 where an event has one of its fields."""
    values = [json.dumps({JSON_NAMES[n]: text for n, text in event.items()}).encode() for event in batch]
    at = pa.array([KAFKA_US] * len(batch), pa.timestamp("us", "UTC"))
    versions = ["2" if event.keys() & LATER else "1" for event in batch]
    return validate(parse(values, versions=pa.array(versions, pa.string())), at, lists)


def reasons(table: pa.Table) -> list[list[str]]:
    found: list[list[str]] = table["reasons"].to_pylist()
    return found


@in_batches
@given(st.lists(events, max_size=40))
def test_the_reasons_are_those_of_a_second_judgement(batch: list[Event]) -> None:
    expected = [oracle.reasons_of(event, KAFKA_US) for event in batch]
    assert reasons(judged(*batch, lists=HOLDING)) == expected
    labels = set(LABEL_REASONS.values())
    assert reasons(judged(*batch)) == [[r for r in found if r not in labels] for found in expected]


@in_batches
@given(st.lists(events, max_size=10))
def test_an_event_of_version_1_is_judged_alike_whatever_is_judged_beside_it(batch: list[Event]) -> None:
    first = [{name: text for name, text in event.items() if name not in LATER} for event in batch]
    refund = VALID | {"payment_kind": "refund"}
    assert judged(*first, refund).slice(0, len(first)).to_pylist() == judged(*first).to_pylist()


LABELLED = {
    "country": "XK", "device_id": "my phone", "device_type": "iOS", "ip_address": "10.0.0.1, 10.0.0.2",
    "payment_method": "sepa_debit", "merchant_category": "54A1",
}  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
def test_a_label_that_cannot_be_read_is_null_and_kept_as_written_beside_the_payment(label: str) -> None:
    event = VALID | {label: LABELLED[label]}
    [row] = judged(event).to_pylist()
    assert (row["reasons"], row[label], row["amount_minor"]) == ([], None, 1230)
    assert json.loads(row["dropped_labels"]) == {label: LABELLED[label]}
    assert row["payload_hash"] == hashes(VALID)[0], "the payment without that label"
    [held] = judged(event, lists=HOLDING).to_pylist()
    assert (held["reasons"], held["dropped_labels"]) == ([LABEL_REASONS[label]], None)


@in_batches
@given(st.dictionaries(st.sampled_from(LABELS), noise, min_size=1))
def test_what_was_written_in_labels_is_kept_whatever_it_was(written: Event) -> None:
    [row] = judged(VALID | written).to_pylist()
    kept = json.loads(row["dropped_labels"] or "{}")
    assert kept | {name: row[name] for name in written if row[name] is not None} == written


def test_labels_of_a_payment_that_is_held_anyway_are_in_its_raw_value() -> None:
    [row] = judged(VALID | {"country": "XK", "amount": "0"}).to_pylist()
    assert (row["reasons"], row["dropped_labels"]) == (["AMOUNT_NOT_POSITIVE"], None)


@in_batches
@given(st.lists(addresses, min_size=1, max_size=60))
def test_an_address_is_what_the_standard_library_calls_one(texts: list[str]) -> None:
    found = judged(*(VALID | {"ip_address": text} for text in texts))["ip_address"].to_pylist()
    assert found == [text if oracle.is_address(text) else None for text in texts]


@in_batches
@given(st.lists(clocks | near_now, min_size=1, max_size=60))
def test_an_event_time_is_read_to_the_microsecond(texts: list[str]) -> None:
    found = judged(*(VALID | {"event_time": text} for text in texts))["event_time"].cast(pa.int64()).to_pylist()
    for text, at in zip(texts, found, strict=True):
        right = oracle.event_time_of(text)
        assert at == (right if right is not None and right >= oracle.YEAR_2000 else None) or is_refused(text, at)


def is_refused(text: str, at: int | None) -> bool:
    """What lies ahead of the broker's clock is no payment's time: it may be kept or not."""
    right = oracle.event_time_of(text)
    return at is None and right is not None and right > KAFKA_US + oracle.FIVE_MINUTES


@in_batches
@given(st.lists(st.tuples(amounts, st.sampled_from(sorted(CURRENT))), min_size=1, max_size=60))
def test_money_is_exact(cases: list[tuple[str, str]]) -> None:
    table = judged(*(VALID | {"amount": amount, "currency": currency} for amount, currency in cases))
    columns = [table[name].to_pylist() for name in ("amount", "amount_minor", "reasons")]
    for (text, currency), amount, minor, found in zip(cases, *columns, strict=True):
        assert (minor is None) == bool(found)
        if not found:
            assert amount == Decimal(text)
            assert minor == int(Decimal(text).scaleb(CURRENT[currency]))


@pytest.mark.parametrize("decimals", sorted(set(CURRENT.values())))
def test_the_smallest_and_the_largest_amount_of_every_currency_are_exact(decimals: int) -> None:
    currencies = [code for code, unit in CURRENT.items() if unit == decimals]
    smallest = f"{Decimal(1).scaleb(-decimals):f}"
    table = judged(*(VALID | {"amount": a, "currency": c} for c in currencies for a in (smallest, str(MAX_AMOUNT))))
    assert table["amount_minor"].to_pylist() == [1, MAX_AMOUNT * 10**decimals] * len(currencies)
    assert table["amount"].to_pylist() == [Decimal(smallest), Decimal(MAX_AMOUNT)] * len(currencies)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("705.00", "JPY", 705), ("12.300", "EUR", 1230), ("1000000000000.00000000", "EUR", 10**14),
        ("100", "JPY", 100), ("10.", "EUR", None), ("705.50", "JPY", None), ("12.345", "EUR", None),
        ("0.00", "EUR", None), ("0.0100000000", "EUR", 1),
    ],
)  # fmt: skip
def test_trailing_zeros_are_no_precision(amount: str, currency: str, minor: int | None) -> None:
    [row] = judged(VALID | {"amount": amount, "currency": currency}).to_pylist()
    assert row["amount_minor"] == minor
    assert bool(row["reasons"]) == (minor is None)


@pytest.mark.parametrize(
    ("currency", "event_time", "is_valid"),
    [
        ("BGN", "2025-12-15T10:00:00Z", True), ("BGN", "2026-01-31T23:59:59-12:00", True),
        ("BGN", "2026-02-02T00:00:00Z", False), ("HRK", "2022-12-31T12:00:00Z", True),
        ("HRK", "2026-11-21T11:59:00Z", False), ("ANG", "2025-03-30T12:00:00Z", True),
        ("ANG", "2026-11-21T11:59:00Z", False), ("XCG", "2010-01-01T10:00:00Z", False),
        ("XCG", "2025-03-31T00:00:00+14:00", True), ("XAD", "2025-05-12T00:00:00Z", True),
        ("XAD", "2025-05-10T23:59:59Z", False), ("ZWG", "2026-11-21T11:59:00Z", True),
        ("ZWL", "2023-01-01T00:00:00Z", True), ("ZWL", "2026-01-01T00:00:00Z", False),
        ("EUR", "2000-01-01T00:00:00Z", True),
    ],
)  # fmt: skip
def test_a_currency_is_money_within_its_period(currency: str, event_time: str, is_valid: bool) -> None:
    [row] = judged(VALID | {"currency": currency, "event_time": event_time}).to_pylist()
    assert row["reasons"] == ([] if is_valid else ["CURRENCY_OUT_OF_PERIOD"])
    assert (row["currency"], row["amount"]) == (currency, Decimal("12.30")), "it is read all the same"


def test_without_a_time_a_currency_is_held_against_no_period() -> None:
    [found] = reasons(judged(VALID | {"currency": "HRK", "event_time": "yesterday"}))
    assert found == ["INVALID_EVENT_TIME"]


def test_lists_of_before_periods_hold_no_payment_against_one() -> None:
    before = replace(lists_of_now(), periods={})
    value = json.dumps(VALID | {"currency": "HRK"}).encode()
    table = validate(parse([value]), pa.array([KAFKA_US], pa.timestamp("us", "UTC")), before)
    assert reasons(table) == [[]]


def test_an_octet_is_a_number_to_255() -> None:
    octets = [octet for octet in range(1_000) if re.fullmatch(IPV4_PATTERN, f"{octet}.{octet}.0.{octet}")]
    assert octets == list(range(256))


def test_a_field_that_breaks_its_rule_is_null_and_the_others_are_kept() -> None:
    [row] = judged(VALID | {"currency": "XXX", "country": "DE", "device_id": "my phone"}).to_pylist()
    kept = {"transaction_id": "t-1", "sender_account_id": "a-1", "country": "DE", "amount": Decimal("12.30")}
    assert {name: row[name] for name in kept} == kept
    assert (row["currency"], row["device_id"], row["amount_minor"], row["payload_hash"]) == (None, None, None, None)


def test_rows_keep_their_order_beyond_the_engines_chunks() -> None:
    count = 130_000
    ids = pa.array([f"t-{index}" for index in range(count)])
    columns = {name: pa.array([VALID.get(name)], pa.string()).take(pa.array([0] * count)) for name in FIELD_NAMES}
    parsed = pa.table(
        columns
        | {
            "transaction_id": ids,
            "extra_fields": pa.nulls(count, pa.string()),
            "parse_reasons": pa.nulls(count, pa.list_(pa.string())),
        }
    )
    table = validate(parsed, pa.array([KAFKA_US], pa.timestamp("us", "UTC")).take(pa.array([0] * count)))
    assert table["transaction_id"].combine_chunks().equals(ids)


def test_only_what_is_not_fine_is_asked_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    ask, asked = validation._ask, list[tuple[str, int]]()

    def ask_aloud(query: str, records: pa.Table) -> pa.Table:
        asked.append((query, records.num_rows))
        return ask(query, records)

    monkeypatch.setattr(validation, "_ask", ask_aloud)
    optional = [field.name for field in V1_FIELDS if not field.required]
    fine = [VALID, VALID | dict.fromkeys(optional), VALID | {"amount": "0.1", "ip_address": "2001:db8::1"}]
    assert judged(*fine)["reasons"].to_pylist() == [[], [], []]
    assert asked == [("first_fine", 3)]
    judged(*fine, VALID | {"amount": "0"})
    assert asked[1:] == [("first_fine", 4), ("other(false)", 1)]


def test_no_rows_are_no_rows() -> None:
    table = validate(parse([]), pa.array([], pa.timestamp("us", "UTC")))
    assert (table.num_rows, table.schema) == (0, VALIDATED_SCHEMA)


def test_the_id_is_remembered_by_its_md5() -> None:
    assert judged(VALID)["id_hash"].to_pylist() == [hashlib.md5(b"t-1", usedforsecurity=False).digest()]


def hashes(*batch: Event) -> list[bytes | None]:
    found: list[bytes | None] = judged(*batch)["payload_hash"].to_pylist()
    return found


def test_the_payload_hash_tells_apart_all_but_id_and_event_time() -> None:
    other = {
        "sender_account_id": "a-9", "receiver_account_id": "a-9", "amount": "12.31", "currency": "USD", "country": "DE",
        "device_id": "d", "device_type": "ios", "ip_address": "::1", "payment_method": "card",
        "merchant_category": "5411", "payment_kind": "refund", "original_transaction_id": "t-0", "status": "settled",
    }  # fmt: skip
    assert set(other) == set(FIELD_NAMES) - {"transaction_id", "event_time"}
    payment = VALID | {"payment_kind": "payment"}
    found = hashes(payment, *(payment | {name: text} for name, text in other.items()))
    assert len(set(found)) == len(other) + 1
    assert None not in found


def test_what_the_contract_does_not_know_makes_no_other_payment() -> None:
    retries = [VALID | {"attempt": n, "traceparent": f"00-{n}"} for n in ("1", "2")]
    reordered = dict(reversed((VALID | {"x": "1", "y": "2"}).items()))
    assert len(set(hashes(VALID, *retries, VALID | {"x": "1", "y": "2"}, reordered))) == 1


@pytest.mark.parametrize(
    ("event", "recorded"),
    [
        (VALID, "cc118aea6cbc54c06c947455a25f0c03"),
        (
            VALID
            | {"country": "DE", "device_id": "d-1", "device_type": "ios", "ip_address": "2001:db8::1"}
            | {"payment_method": "card", "merchant_category": "5411"},
            "85e521c8bddb28c718837fc7e38b8e00",
        ),
        (VALID | {"amount": "705", "currency": "JPY"}, "f70aa9d92f00063d81cc1112749c6767"),
    ],
)
def test_a_payment_without_unknown_fields_has_the_hash_that_contract_v1_gave_it(event: Event, recorded: str) -> None:
    """The hashes were recorded when contract v1 was released: warehouses hold them."""
    [found] = hashes(event)
    assert found == bytes.fromhex(recorded)


def test_the_payload_hash_is_that_of_a_payment_sent_again() -> None:
    again = VALID | {"transaction_id": "t-2", "event_time": "2026-11-21T11:59:59Z", "country": None}
    first, second = hashes(VALID, again)
    assert first == second


def test_a_kind_and_what_it_is_about_make_another_payment() -> None:
    message = [
        VALID,
        VALID | {"payment_kind": "refund"},
        VALID | {"payment_kind": "refund", "original_transaction_id": "t-0"},
        VALID | {"payment_kind": "payment", "original_transaction_id": "refund"},
        VALID | {"payment_kind": "payment", "status": "settled"},
    ]
    assert len(set(hashes(*message))) == len(message)


def test_a_payment_of_version_2_says_the_same_as_one_of_version_1() -> None:
    as_payment = VALID | {"payment_kind": "payment", "original_transaction_id": None, "status": None}
    assert hashes(as_payment) == hashes(VALID)


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("payment_kind", "REFUND", "UNKNOWN_KIND"),
        ("original_transaction_id", "no id", "INVALID_ORIGINAL_TRANSACTION_ID"),
        ("status", "FAILED", "UNKNOWN_STATUS"),
    ],
)
def test_what_gives_the_sign_or_names_the_payment_holds_the_record_where_it_cannot_be_read(
    field: str, text: str, reason: str
) -> None:
    assert reasons(judged(VALID | {"payment_kind": "refund"} | {field: text})) == [[reason]]


def test_values_do_not_flow_from_one_field_of_the_payload_hash_into_the_next() -> None:
    first, second = hashes(VALID | {"country": "DE", "device_id": "x"}, VALID | {"device_id": "DEx"})
    assert first != second


@pytest.mark.parametrize("timestamp_us", [-(2**62), 0, us("9999-12-31T23:59:59Z"), 2**63 - 1])
def test_no_kafka_timestamp_is_an_exception(timestamp_us: int) -> None:
    value = json.dumps(VALID).encode()
    assert validated(value, timestamp_us=timestamp_us).num_rows == 1


def test_threads_that_ask_at_once_are_each_answered_about_their_own_records() -> None:
    broken = VALID | {"country": "nowhere"}
    asked = [[VALID | {"amount": f"{n}.00"}, VALID if n % 2 else broken | {"amount": f"{n}.50"}] for n in range(1, 200)]
    values = [[json.dumps(event).encode() for event in events] for events in asked]
    one_by_one = [validated(*each) for each in values]
    with ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda each: validated(*each), values))
    assert [table.to_pylist() for table in at_once] == [table.to_pylist() for table in one_by_one]
