"""What becomes of records to the end."""

import json

from spark_jobs.mapping.spec import read_mapping
from spark_jobs.mapping.trials.outcomes import KafkaRecord, Outcome, outcomes_of
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD


def record(**changes: object) -> KafkaRecord:
    return KafkaRecord(json.dumps(DOCUMENT | changes).encode())


def test_a_record_is_a_payment_or_ignored_or_quarantined() -> None:
    records = [record(), record(status="open"), record(id="p 1"), KafkaRecord(b"{")]
    payment, ignored, quarantined, broken = outcomes_of(read_mapping(GOOD), records)
    assert payment.row is not None
    assert (payment.row["amount"], payment.amount_minor, payment.word) == ("19.99", 1999, "payment")
    assert ignored == Outcome(ignored="not-paid")
    assert quarantined == Outcome(reasons=("INVALID_TRANSACTION_ID",))
    assert broken.word == "quarantined: INVALID_JSON"


def test_a_label_that_the_contract_cannot_read_is_empty_and_holds_nothing_back() -> None:
    [payment] = outcomes_of(read_mapping(GOOD), [record(payer={"id": "c_1", "country": "XK"})])
    assert payment.row is not None
    assert "country" not in payment.row
    assert payment.row["amount"] == "19.99"


def test_without_a_mapping_the_contract_is_as_it_is() -> None:
    event = {
        "transaction_id": "a",
        "event_time": "2026-11-28T03:57:01Z",
        "sender_account_id": "b",
        "receiver_account_id": "c",
        "amount": "12.30",
        "currency": "EUR",
    }
    [payment, other] = outcomes_of(None, [KafkaRecord(json.dumps(event).encode()), record()])
    assert payment.row == event
    assert "WRONG_TYPE" in other.reasons or "MISSING_FIELD" in other.reasons


def test_a_record_that_has_a_timestamp_is_held_against_it() -> None:
    early = KafkaRecord(json.dumps(DOCUMENT).encode(), timestamp=1_000_000)
    assert outcomes_of(read_mapping(GOOD), [early])[0].reasons == ("EVENT_TIME_IN_FUTURE",)


def test_no_records_have_no_outcomes() -> None:
    assert outcomes_of(read_mapping(GOOD), []) == []
