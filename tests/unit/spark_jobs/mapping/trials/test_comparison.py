"""What another mapping would change."""

import json

from spark_jobs.mapping.spec import read_mapping
from spark_jobs.mapping.trials.comparison import FieldChange, compare
from spark_jobs.mapping.trials.outcomes import KafkaRecord
from tests.unit.spark_jobs.mapping.mappings import DOCUMENT, GOOD


def record(place: str, **changes: object) -> KafkaRecord:
    return KafkaRecord(json.dumps(DOCUMENT | changes).encode(), place=place)


OLD = read_mapping(GOOD)
RECORDS = [
    record("1"),
    record("2", id="p_2"),
    record("3", id="p_2"),
    record("4", id="p_4", status="open"),
    record("5", id=""),
]


def test_the_same_mapping_changes_nothing() -> None:
    found = compare(OLD, read_mapping("# The same.\n" + GOOD), RECORDS)
    assert found.is_same
    assert (found.records, sum(change.count for change in found.outcomes), found.fields) == (5, 5, ())
    [euros] = found.money
    # The second of two with the same id is a duplicate.
    assert (euros.old_count, euros.new_count, euros.old, euros.new, euros.difference) == (
        2,
        2,
        "39.98",
        "39.98",
        "0.00",
    )


def test_another_unit_changes_money_and_another_rule_changes_records() -> None:
    new = read_mapping(GOOD.replace('unit = "minor"', 'unit = "major"').replace('["paid"]', '["paid", "open"]'))
    found = compare(OLD, new, RECORDS)
    assert not found.is_same
    assert [
        (change.old, change.new, change.count, change.places) for change in found.outcomes if not change.is_none
    ] == [("ignored: not-paid", "payment", 1, ("4",))]
    assert found.fields == (FieldChange("amount", 3, ("1", "2", "3")),)
    [euros] = found.money
    assert (euros.old_count, euros.new_count, euros.old, euros.new) == (2, 3, "39.98", "5,997.00")
    assert euros.difference == "5,957.02"


def test_another_kind_or_status_changes_the_money_that_moves() -> None:
    for line, net in (("kind = \"'refund'\"", "-39.98"), ("status = \"'failed'\"", "0.00")):
        found = compare(OLD, read_mapping(GOOD.replace("[fields]", f"[fields]\n{line}", 1)), RECORDS)
        assert not found.is_same
        assert [(money.old, money.new) for money in found.money] == [("39.98", net)], line


def test_against_the_contract_itself_all_currencies_are_compared() -> None:
    event = {"transaction_id": "a", "event_time": "2026-11-28T03:57:01Z", "sender_account_id": "b"}
    event |= {"receiver_account_id": "c", "amount": "1200", "currency": "JPY"}
    found = compare(None, OLD, [KafkaRecord(json.dumps(event).encode()), record("1")])
    assert [(money.currency, money.old, money.new) for money in found.money] == [
        ("EUR", "0.00", "19.99"),
        ("JPY", "1,200", "0"),
    ]


def test_no_records_differ_in_nothing() -> None:
    assert compare(OLD, None, []).is_same
