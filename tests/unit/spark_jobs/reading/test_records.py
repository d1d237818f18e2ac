"""The corpus: each case of bad input, and each record of others, gets its one disposition and all its reasons."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spark_jobs.contract.code_lists import lists_of_now
from spark_jobs.contract.payment_event import (
    FIELD_NAMES,
    LABEL_REASONS,
    MAX_NESTING,
    MAX_VALUE_BYTES,
    Disposition,
    Reason,
    UnreadableLabels,
)
from spark_jobs.deduplication.state import DedupState
from spark_jobs.mapping.spec import Mapping, read_mapping
from spark_jobs.reading.contracts import OF_OTHER_EVENTS, contract_of_now
from spark_jobs.reading.records import read_records
from spark_jobs.reading.rereading import reread
from spark_jobs.streaming import packing
from spark_jobs.streaming.tally import add_up
from tests.architecture.sources import ROOT
from tests.corpus.cases import FIELD_TIMESTAMP, Case, FieldRecord, event_bytes, read_cases, read_field_records
from tests.unit.spark_jobs.events import MAPPING, TEXT, charge
from tests.unit.spark_jobs.stream import KAFKA_US, Record, Stream, columns, us

CASES = read_cases()
HOLDING = lists_of_now(UnreadableLabels.HOLD)
"""The corpus says what holds a record back where an unreadable label does."""
KINDS = 50
each_case = pytest.mark.parametrize("case", CASES, ids=str)
EARLIER = event_bytes({"transaction_id": '"earlier"'})


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, DedupState]:
    """The state at watermark 11:00:00Z: with the valid event published before, and with another."""
    return {
        is_resent: after(tmp_path_factory.mktemp("state"), event_bytes() if is_resent else EARLIER)
        for is_resent in (True, False)
    }


@pytest.fixture(scope="module")
def staged(states: dict[bool, DedupState], tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    """What became of each case: read all in one, then each tagged alone, for they share an id."""
    records = read_records(columns([record(case) for case in CASES]), HOLDING)
    folder = tmp_path_factory.mktemp("cases")
    return {
        case.name: tagged(records.slice(index, 1), Stream(folder, state=states[case.is_resent]))
        for index, case in enumerate(CASES)
    }


def after(folder: Path, value: bytes) -> DedupState:
    stream = Stream(folder)
    stream.take([Record(value)])
    return stream.states[0]


def record(case: Case, offset: int = 1) -> Record:
    return Record(case.value, offset=offset, timestamp_us=case.kafka_us, key=case.key, headers=case.headers)


def tagged(one: pa.Table, stream: Stream) -> pa.Table:
    event_time = None if one["reasons"][0].as_py() else one["event_time"].cast(pa.int64())[0].as_py()
    return stream.stage([packing.pack(one, np.zeros(1, np.int32), 1, event_time)])


def test_the_cases_are_judged_at_the_watermark_that_they_speak_of(states: dict[bool, DedupState]) -> None:
    assert {state.max_event_time for state in states.values()} == {us("2026-11-21T12:00:00Z")}


@each_case
def test_bad_input_gets_its_disposition_and_all_its_reasons(case: Case, staged: dict[str, pa.Table]) -> None:
    [row] = staged[case.name].select(["disposition", "reasons"]).to_pylist()
    assert row == {"disposition": case.disposition, "reasons": list(case.reasons)}


def test_an_unreadable_label_holds_no_payment_back_where_that_is_set() -> None:
    records = read_records(columns([record(case) for case in CASES]), lists_of_now(UnreadableLabels.NULL)).to_pylist()
    labels = set(LABEL_REASONS.values())
    dropped = 0
    for case, row in zip(CASES, records, strict=True):
        rest = [reason for reason in case.reasons if reason not in labels]
        assert row["reasons"] == rest, case
        is_told = bool(set(case.reasons) & labels) and not rest
        assert (row["dropped_labels"] is not None) == is_told, case
        dropped += is_told
        if is_told:
            for name in json.loads(row["dropped_labels"]):
                assert row[name] is None, case
    assert dropped > len(labels)


@each_case
def test_what_is_not_accepted_keeps_its_very_bytes(case: Case, staged: dict[str, pa.Table]) -> None:
    [row] = staged[case.name].select(["raw_key", "raw_value"]).to_pylist()
    is_kept = case.disposition != "UNIQUE"
    assert row == {"raw_key": case.key if is_kept else None, "raw_value": case.value if is_kept else None}


@each_case
def test_what_is_staged_fits_the_warehouse(case: Case, staged: dict[str, pa.Table]) -> None:
    earliest, latest = us("0001-01-01T00:00:00Z"), us("9999-12-31T23:59:59Z") + 999_999
    for name in ("event_time", "kafka_timestamp"):
        [time] = staged[case.name][name].cast(pa.int64()).to_pylist()
        assert time is None or earliest <= time <= latest, f"{name} is no TIMESTAMP of BigQuery's"


def test_all_of_the_corpus_in_one_batch_costs_no_good_payment(states: dict[bool, DedupState], tmp_path: Path) -> None:
    stream = Stream(tmp_path, state=states[False])
    stream.lists = HOLDING
    bad = [case for case in CASES if case.reasons]
    records = []
    for index, case in enumerate(bad):
        good = event_bytes({"transaction_id": f'"good-{index}"'})
        records += [record(case, offset=2 * index), Record(good, offset=2 * index + 1)]
    staged = stream.take(records).sort_by("kafka_offset")
    assert staged["kafka_offset"].to_pylist() == list(range(len(records)))
    assert staged["disposition"].to_pylist() == ["QUARANTINED", "UNIQUE"] * len(bad)
    assert staged["reasons"].to_pylist()[::2] == [list(case.reasons) for case in bad]


def test_the_corpus_has_all_kinds_and_every_reason() -> None:
    assert {case.kind for case in CASES} == set(range(1, KINDS + 1))
    assert {reason for case in CASES for reason in case.reasons} == set(Reason) - OF_OTHER_EVENTS
    assert {case.disposition for case in CASES} == set(Disposition) - {Disposition.IGNORED}, "only a mapping ignores"
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_corpus_stands_on_both_sides_of_the_limits() -> None:
    sizes = {len(case.value or b"") for case in CASES}
    assert {MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1} <= sizes
    assert max(sizes) > 10 * 2**20 - 1
    assert MAX_NESTING == 32


FIELD = read_field_records()
FIELD_US = int(FIELD_TIMESTAMP.timestamp()) * 1_000_000
BEFORE = event_bytes({"transaction_id": '"before"', "event_time": f'"{FIELD_TIMESTAMP.isoformat()}"'})
ALONE = [name for name, times in Counter(record.group for record in FIELD).items() if times == 1]
AT_ONCE = [record for record in FIELD if record.group in ALONE and not record.until]
"""Records that stand alone share a batch: what one becomes says nothing of another."""


def marked(record: FieldRecord) -> Any:
    marks = [pytest.mark.xfail(reason=record.until, strict=True)] if record.until else []
    return pytest.param(record, id=record.name, marks=marks)


@pytest.fixture(scope="module")
def field_state(tmp_path_factory: pytest.TempPathFactory) -> DedupState:
    stream = Stream(tmp_path_factory.mktemp("field"))
    stream.take([Record(BEFORE, timestamp_us=FIELD_US)])
    return stream.states[0]


@pytest.fixture(scope="module")
def at_once(field_state: DedupState, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    stream = Stream(tmp_path_factory.mktemp("field"), state=field_state)
    rows = stream.take([of_others(record, offset) for offset, record in enumerate(AT_ONCE)]).to_pylist()
    return {AT_ONCE[row["kafka_offset"]].name: row for row in rows}


def of_others(record: FieldRecord, offset: int) -> Record:
    clocked = Record(record.value, offset=offset, timestamp_us=record.kafka_us, key=record.key, clock_us=FIELD_US)
    return replace(clocked, headers=record.headers)


def in_turn(record: FieldRecord, folder: Path, state: DedupState) -> list[dict[str, Any]]:
    """What became of the record and of all that goes before it in its group, a batch each."""
    group = [other for other in FIELD if other.group == record.group]
    stream = Stream(folder, state=state)
    taken = enumerate(group[: group.index(record) + 1], start=1)
    return [stream.take([of_others(one, offset)]).to_pylist()[0] for offset, one in taken]


@pytest.mark.parametrize("record", [marked(record) for record in FIELD])
def test_a_record_of_others_ends_as_it_should(
    record: FieldRecord, at_once: dict[str, dict[str, Any]], field_state: DedupState, tmp_path: Path
) -> None:
    rows = [at_once[record.name]] if record in AT_ONCE else in_turn(record, tmp_path, field_state)
    assert rows[-1]["disposition"] == record.disposition, rows[-1]["reasons"]
    if record.reasons is not None:
        assert tuple(rows[-1]["reasons"]) == record.reasons
    if record.says_the_same is not None:
        assert (rows[-1]["payload_hash"] == rows[-2]["payload_hash"]) is record.says_the_same


def test_every_record_of_others_has_a_name_of_its_own() -> None:
    assert len({record.name for record in FIELD}) == len(FIELD)


def test_what_ends_otherwise_than_its_report_says_has_a_page_that_says_why() -> None:
    for record in FIELD:
        if record.differs:
            [page] = (ROOT / "docs/adr").glob(f"{record.differs}-*.md")
            assert f"`{record.name}`" in page.read_text()


HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("written_ahead", "event_ahead", "clock", "reasons"),
    [
        (0, 0, KAFKA_US, []),
        (2 * HOUR, 2 * HOUR, KAFKA_US, ["EVENT_TIME_IN_FUTURE"]),
        (2 * HOUR, 2 * HOUR, None, []),
        (0, 0, KAFKA_US - 2 * HOUR, ["EVENT_TIME_IN_FUTURE"]),
        (0, 2 * HOUR, KAFKA_US + 9 * HOUR, ["EVENT_TIME_IN_FUTURE"]),
        (80_000 * 8766 * HOUR, 0, KAFKA_US, ["INVALID_KAFKA_TIMESTAMP"]),
    ],
    ids=["now", "both ahead", "the broker's word", "a clock behind", "a clock ahead", "no time"],
)
def test_a_senders_timestamp_is_believed_as_far_as_the_batchs_clock(
    written_ahead: int, event_ahead: int, clock: int | None, reasons: list[str]
) -> None:
    moment = datetime.fromtimestamp((KAFKA_US + event_ahead) / 1e6, UTC)
    value = event_bytes({"event_time": f'"{moment.isoformat()}"'})
    batch = columns([Record(value, timestamp_us=KAFKA_US + written_ahead, clock_us=clock)])
    [row] = read_records(batch).to_pylist()
    assert row["reasons"] == reasons
    again = reread(
        [{**ROW, "kafka_timestamp": row["kafka_timestamp"], "raw_value": value}],
        contract_of_now(),
        clocks=[moment_of(clock)],
    )
    assert again[0]["reasons"] == reasons, "what is kept says it too"


ROW = {"kafka_partition": 0, "kafka_offset": 0, "raw_key": b"a-1"}


def moment_of(clock: int | None) -> datetime | None:
    return None if clock is None else datetime.fromtimestamp(clock / 1e6, UTC)


def mapped(*values: bytes | None, mapping: Mapping = MAPPING) -> list[dict[str, Any]]:
    records = [Record(value, offset=offset) for offset, value in enumerate(values)]
    read: list[dict[str, Any]] = read_records(columns(records), mapping=mapping).to_pylist()
    return read


def test_an_event_of_another_shape_is_read_by_its_mapping_and_judged_by_the_contract() -> None:
    good, zero = mapped(charge("a"), charge("b", amount=0))
    assert (good["transaction_id"], good["amount_minor"], good["currency"], good["reasons"]) == ("a", 1250, "EUR", [])
    assert good["sender_account_id"] == "payer-a"
    assert zero["reasons"] == ["AMOUNT_NOT_POSITIVE"]
    assert not any(row["is_ignored"] for row in (good, zero))


def test_what_the_mapping_ignores_says_nothing_but_the_rule_and_keeps_its_bytes() -> None:
    value = charge("a", type_="customer.created")
    good, ignored, broken = mapped(charge("b"), value, b"{")
    assert (ignored["is_ignored"], ignored["reasons"], ignored["raw_value"]) == (True, ["not-a-charge"], value)
    assert [name for name in (*FIELD_NAMES, "amount_minor", "extra_fields", "payload_hash") if ignored[name]] == []
    assert (good["reasons"], broken["reasons"], broken["is_ignored"]) == ([], ["INVALID_JSON"], False)


LABELLED = read_mapping(
    TEXT.replace(
        'currency = "upper(data.currency)"',
        'currency = "upper(data.currency)"\ncountry = "data.country"\n'
        "payment_method = { from = 'data.method', map = { visa = 'card' }, otherwise = 'absent' }",
    )
)


def labelled(name: str, **labels: str) -> bytes:
    document = json.loads(charge(name))
    document["data"] |= labels
    return json.dumps(document).encode()


def test_what_a_mapping_leaves_out_is_kept_beside_the_payment_as_an_unreadable_label_is() -> None:
    values = [
        labelled("a", method="visa"),
        labelled("b", method="klarna"),
        labelled("c", method="klarna", country="XK"),
        labelled("d", country="XK"),
        # A value that the contract knows and the map does not is left out as well, and not taken for the contract's.
        labelled("e", method="wallet"),
    ]
    read = mapped(*values, mapping=LABELLED)
    assert [row["payment_method"] for row in read] == ["card", None, None, None, None]
    assert [row["reasons"] for row in read] == [[]] * 5
    dropped = [row["dropped_labels"] and json.loads(row["dropped_labels"]) for row in read]
    method = {"payment_method": "klarna"}
    assert dropped == [None, method, method | {"country": "XK"}, {"country": "XK"}, {"payment_method": "wallet"}]


def test_what_is_held_back_or_ignored_has_no_labels_that_are_counted() -> None:
    document = json.loads(labelled("a", method="klarna"))
    zero, ignored = json.loads(json.dumps(document)), document | {"type": "test"}
    zero["data"]["amount"] = 0
    rows = mapped(*(json.dumps(each).encode() for each in (zero, ignored)), mapping=LABELLED)
    assert [row["dropped_labels"] for row in rows] == [None, None]
    assert [row["reasons"] for row in rows] == [["AMOUNT_NOT_POSITIVE"], ["not-a-charge"]]


def test_without_a_mapping_nothing_is_ignored() -> None:
    read = read_records(columns([Record(charge("a", type_="test")), Record(event_bytes(), offset=1)]))
    assert read["is_ignored"].to_pylist() == [False, False]


def test_ignored_records_are_tagged_counted_and_judged_for_nothing(tmp_path: Path) -> None:
    stream = Stream(tmp_path, buckets=2, mapping=MAPPING.to_json())
    values = [charge("a"), charge("a", type_="test"), charge("b", type_="test"), b"{", charge("a")]
    staged = stream.take([Record(value, offset=offset) for offset, value in enumerate(values)]).sort_by("kafka_offset")
    found = ["UNIQUE", "IGNORED", "IGNORED", "QUARANTINED", "DUPLICATE"]
    assert staged["disposition"].to_pylist() == found
    assert staged["raw_value"].to_pylist() == [None, *values[1:]]
    tally = add_up(stream.tallies)
    assert tally.ignored_by_rule == {"not-a-charge": 2}
    assert tally.count(Disposition.IGNORED) == 2
