"""A kept record is read again by the contract: what the warehouse says of it and its value does not, is seen."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pytest

from orchestration.verification.reparse_rules import COMPARED, MADE_OF, OTHER_SCHEMAS, Rejudged, rejudge
from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.reading.contracts import Contract, contract_of_now, row_of
from spark_jobs.reading.records import read_records
from tests.unit.spark_jobs.events import MAPPING, OTHER, charge

NOW = contract_of_now()
WRITTEN_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
GOOD = {
    "transaction_id": "t1",
    "event_time": "2026-11-21T11:59:00Z",
    "sender_account_id": "a",
    "receiver_account_id": "b",
    "amount": "12.50",
    "currency": "EUR",
}


def kept(offset: int, value: bytes | None, contract: Contract = NOW) -> dict[str, Any]:
    """A row of payment_deliveries as the streaming job would have written it."""
    batch = pa.RecordBatch.from_pydict(
        {
            "partition": pa.array([0], pa.int32()),
            "offset": pa.array([offset], pa.int64()),
            "timestamp": pa.array([WRITTEN_AT], pa.timestamp("us", "UTC")),
            "key": pa.array([b"a"], pa.binary()),
            "value": pa.array([value], pa.binary()),
        }
    )
    [read] = read_records(batch, contract.lists, contract.mapping).to_pylist()
    judged = {name: read[name] for name in COMPARED}
    judged["disposition"] = "IGNORED" if read["is_ignored"] else "QUARANTINED" if read["reasons"] else "LATE"
    coordinates = {"topic": "payment-events", "kafka_partition": 0, "kafka_offset": offset, "batch_id": 2}
    return {**coordinates, "kafka_timestamp": WRITTEN_AT, "raw_key": b"a", "raw_value": value, **judged}


def version_row(contract: Contract) -> dict[str, Any]:
    return dict(row_of(contract))


def judged(rows: list[dict[str, Any]], contract: Contract | None = NOW, *versions: dict[str, Any]) -> Rejudged:
    ledger = [{"batch_id": 2, "contract_version": contract and contract.version}]
    return rejudge(rows, ledger, versions)


def without(currency: str) -> CodeLists:
    return replace(NOW.lists, minor_units={c: n for c, n in NOW.lists.minor_units.items() if c != currency})


def rows() -> list[dict[str, Any]]:
    return [kept(0, json.dumps(GOOD).encode()), kept(1, b"{broken"), kept(2, None)]


def test_kept_records_that_say_what_the_warehouse_says_are_proved() -> None:
    assert judged(rows()) == Rejudged([])
    assert judged([]) == Rejudged([])


def test_the_rows_of_this_test_say_something() -> None:
    good, broken, empty = rows()
    assert (good["transaction_id"], good["amount_minor"], good["reasons"]) == ("t1", 1250, [])
    assert broken["reasons"] == ["INVALID_JSON"]
    assert empty["value_sha256"] == sha256(b"").digest()


@pytest.mark.parametrize("column", COMPARED)
def test_any_column_that_is_altered_is_seen(column: str) -> None:
    changed = rows()
    changed[0][column] = ["SAME_ACCOUNT"] if column == "reasons" else "altered"
    [found] = judged(changed).breaks
    assert found.rule == f"{column} is what the kept value says"
    assert found.where == "payment-events 0:0"


def test_a_kept_value_that_is_altered_is_seen() -> None:
    changed = rows()
    changed[0]["raw_value"] = json.dumps({**GOOD, "amount": "12.51"}).encode()
    assert {found.rule.partition(" ")[0] for found in judged(changed).breaks} == {
        "amount_minor",
        "payload_hash",
        "value_sha256",
    }


def test_a_record_is_judged_by_the_lists_of_its_batch_after_they_were_mended() -> None:
    """Euros were unknown once: the record was quarantined rightly, and stays so."""
    before = Contract(NOW.rules, without("EUR"))
    quarantined = kept(0, json.dumps(GOOD).encode(), before)
    assert quarantined["reasons"] == ["UNKNOWN_CURRENCY"]
    assert before.version != NOW.version
    assert judged([quarantined], before, version_row(before)) == Rejudged([])
    assert {found.rule.split()[0] for found in judged([quarantined], NOW).breaks} >= {"reasons", "currency"}
    altered = quarantined | {"reasons": []}
    [found] = judged([altered], before, version_row(before)).breaks
    assert found.rule == "reasons is what the kept value says"


@pytest.mark.parametrize(
    ("contract", "is_kept", "why"),
    [
        pytest.param(None, False, "no recorded version", id="published before versions"),
        pytest.param(Contract(NOW.rules, without("EUR")), False, "does not have", id="a version that is not kept"),
        pytest.param(
            Contract("otherrules", without("EUR")), True, "whose rules are not those of now", id="other rules"
        ),
    ],
)
def test_a_record_that_cannot_be_judged_by_its_contract_is_counted_and_its_bytes_are_proved(
    contract: Contract | None, is_kept: bool, why: str
) -> None:
    versions = [version_row(contract)] if contract and is_kept else []
    good = kept(0, json.dumps(GOOD).encode())
    quarantined = kept(1, json.dumps(GOOD).encode(), Contract(NOW.rules, without("EUR")))
    found = judged([good, quarantined], contract, *versions)
    assert found.breaks == []
    [(message, count)] = found.not_reread.items()
    assert why in message
    assert count == 1, "what the contract of now reads as it is stored is proved"
    quarantined["raw_value"] = json.dumps({**GOOD, "amount": "12.51"}).encode()
    assert {b.rule.split()[0] for b in judged([quarantined], contract, *versions).breaks} == {"value_sha256"}
    quarantined |= {"raw_value": json.dumps(GOOD).encode(), "transaction_id": "altered"}
    assert {b.rule.split()[0] for b in judged([quarantined], contract, *versions).breaks} == {"transaction_id"}


def test_a_record_whose_schema_was_registered_later_is_no_break_and_its_bytes_are_proved() -> None:
    unknown = kept(0, json.dumps(GOOD).encode()) | {"reasons": ["UNKNOWN_SCHEMA"], "transaction_id": None}
    assert judged([unknown]) == Rejudged([], {OTHER_SCHEMAS: 1})
    [found] = judged([unknown | {"value_sha256": b"another"}]).breaks
    assert found.rule == "value_sha256 is what the kept value says"


def test_a_contract_whose_kept_lists_were_altered_is_no_excuse() -> None:
    before = Contract(NOW.rules, without("EUR"))
    row = version_row(before) | {"code_lists": without("JPY").to_json()}
    found = judged([kept(0, json.dumps(GOOD).encode(), before)], before, row)
    assert [b.rule for b in found.breaks] == [MADE_OF]
    assert found.not_reread


AHEAD = json.dumps(GOOD | {"event_time": "2026-11-21T11:59:59Z"}).encode()


@pytest.mark.parametrize(
    ("reasons", "judged_at", "breaks"),
    [
        (["EVENT_TIME_IN_FUTURE"], WRITTEN_AT - timedelta(hours=1), 0),
        ([], WRITTEN_AT - timedelta(hours=1), 0),
        (["EVENT_TIME_IN_FUTURE"], WRITTEN_AT, 1),
        (["EVENT_TIME_IN_FUTURE"], None, 1),
        (["INVALID_JSON"], WRITTEN_AT - timedelta(hours=1), 1),
    ],
    ids=["its sender's", "the broker's", "a clock that is not behind", "no clock", "neither"],
)
def test_a_record_is_judged_by_its_batchs_clock_too_where_that_is_earlier(
    reasons: list[str], judged_at: datetime | None, breaks: int
) -> None:
    row = kept(0, AHEAD) | {"reasons": reasons}
    if reasons == ["EVENT_TIME_IN_FUTURE"]:
        row["payload_hash"] = None
    found = rejudge([row], [{"batch_id": 2, "contract_version": NOW.version, "judged_at": judged_at}], ())
    assert len({b.rule for b in found.breaks} & {"reasons is what the kept value says"}) == breaks


def test_a_record_is_judged_by_the_mapping_of_its_batch_and_an_altered_one_is_seen() -> None:
    contract = contract_of_now(mapping=MAPPING)
    good, ignored = kept(0, charge("a"), contract), kept(1, charge("b", type_="test"), contract)
    assert (good["amount_minor"], ignored["disposition"], ignored["reasons"]) == (1250, "IGNORED", ["not-a-charge"])
    assert judged([good, ignored], contract, version_row(contract)) == Rejudged([])

    hidden = good | {"disposition": "IGNORED"}
    rules = [found.rule for found in judged([hidden], contract, version_row(contract)).breaks]
    assert rules == ["what is ignored is what the mapping ignores"]
    other = version_row(contract) | {"mapping": OTHER.to_json()}
    assert MADE_OF in [found.rule for found in judged([good], contract, other).breaks]


def test_where_the_rules_have_changed_the_mapping_of_the_batch_still_reads_the_record() -> None:
    contract = Contract("older", NOW.lists, MAPPING)
    assert judged([kept(0, charge("a"), contract)], contract, version_row(contract)) == Rejudged([])


def test_a_mapping_in_a_language_that_is_not_known_here_is_counted() -> None:
    contract = contract_of_now(mapping=MAPPING)
    row = version_row(contract) | {"mapping": MAPPING.to_json().replace('"mapping":1', '"mapping":2')}
    found = judged([kept(0, charge("a"), contract)], contract, row)
    assert (found.breaks, sum(found.not_reread.values())) == ([], 1)
