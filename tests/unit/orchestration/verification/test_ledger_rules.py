"""A row deleted, doubled or altered in any table is found; untouched tables are proved."""

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from orchestration.verification.ledger_rules import (
    Evidence,
    OffsetTally,
    PartitionTally,
    find_breaks,
    offset_tally,
    tally,
)

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

type Tables = dict[str, Any]


def counts(
    unique: int = 0, duplicate: int = 0, late: int = 0, quarantined: int = 0, ignored: int = 0
) -> dict[str, int]:
    return {
        "delivered": unique + duplicate + late + quarantined + ignored,
        "unique_count": unique,
        "duplicate_count": duplicate,
        "late_count": late,
        "quarantined_count": quarantined,
        "ignored_count": ignored,
    }


def ledger_row(batch_id: int, starts: dict[str, int], ends: dict[str, int], **tagged: int) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "pipeline": "payments",
        "topic": "payment-events",
        "epoch": batch_id,
        "start_offsets": json.dumps(starts),
        "end_offsets": json.dumps(ends),
        **counts(**tagged),
        "ignored_by_rule": json.dumps({"test-mode": tagged["ignored"]} if "ignored" in tagged else {}),
        "watermark": None if batch_id == 1 else START + timedelta(minutes=batch_id - 1),
        "next_watermark": START + timedelta(minutes=batch_id),
        "min_kafka_timestamp": START,
        "max_kafka_timestamp": START + timedelta(seconds=1),
    }


def part(batch_id: int, partition: int, start: int, end: int, **tagged: int) -> dict[str, Any]:
    offsets = {"kafka_partition": partition, "start_offset": start, "end_offset": end}
    return {"batch_id": batch_id, **offsets, **counts(**tagged)}


def test_the_offsets_of_a_partition_are_records_and_holes() -> None:
    rows = [part(1, 0, 0, 5, unique=5), part(2, 0, 5, 9, unique=1) | {"hole_count": 3}, part(1, 1, 0, 2, late=2)]
    assert offset_tally(rows) == [OffsetTally(0, 9, 6, 3), OffsetTally(1, 2, 2, 0)]


def delivered(batch_id: int, partition: int, disposition: str, count: int, first: int, last: int) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "kafka_partition": partition,
        "disposition": disposition,
        "record_count": count,
        "min_offset": first,
        "max_offset": last,
        "min_kafka_timestamp": START,
        "max_kafka_timestamp": START + timedelta(seconds=1),
    }


def money(batch_id: int, disposition: str, currency: str, count: int, amount_minor: int) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "disposition": disposition,
        "currency": currency,
        "record_count": count,
        "amount_minor": amount_minor,
    }


def sound_tables() -> Tables:
    """Two batches of two partitions; partition 1 gets nothing in the second."""
    amounts = [
        money(1, "UNIQUE", "EUR", 4, 400),
        money(1, "DUPLICATE", "EUR", 1, 100),
        money(1, "QUARANTINED", "", 1, 0),
        money(1, "IGNORED", "", 2, 0),
        money(2, "UNIQUE", "JPY", 1, 7),
        money(2, "LATE", "EUR", 1, 100),
    ]
    return {
        "ledger": [
            ledger_row(1, {"0": 0, "1": 0}, {"0": 4, "1": 4}, unique=4, duplicate=1, quarantined=1, ignored=2),
            ledger_row(2, {"0": 4, "1": 4}, {"0": 6, "1": 4}, unique=1, late=1),
        ],
        "ledger_partitions": [
            part(1, 0, 0, 4, unique=3, duplicate=1),
            part(1, 1, 0, 4, unique=1, quarantined=1, ignored=2),
            part(2, 0, 4, 6, unique=1, late=1),
            part(2, 1, 4, 4),
        ],
        "ledger_amounts": amounts,
        "control": [
            {
                "pipeline": "payments",
                "topic": "payment-events",
                "epoch": 3,
                "last_batch_id": 2,
                "end_offsets": json.dumps({"0": 6, "1": 4, "2": 0}),
                "watermark": START + timedelta(minutes=2),
            }
        ],
        "delivery_counts": [
            delivered(1, 0, "UNIQUE", 3, 0, 3),
            delivered(1, 0, "DUPLICATE", 1, 2, 2),
            delivered(1, 1, "UNIQUE", 1, 0, 0),
            delivered(1, 1, "QUARANTINED", 1, 1, 1),
            delivered(1, 1, "IGNORED", 2, 2, 3),
            delivered(2, 0, "UNIQUE", 1, 4, 4),
            delivered(2, 0, "LATE", 1, 5, 5),
        ],
        "delivery_amounts": copy.deepcopy(amounts),
        "ignored_counts": [{"batch_id": 1, "rule": "test-mode", "record_count": 2}],
    }


def breaks_after(change: Callable[[Tables], Any]) -> list[str]:
    tables = sound_tables()
    change(tables)
    return [found.rule for found in find_breaks(Evidence(**tables))]


def expire_batch_1(tables: Tables) -> None:
    for name in ("delivery_counts", "delivery_amounts", "ignored_counts"):
        tables[name] = [row for row in tables[name] if row["batch_id"] != 1]
    tables["expired"] = frozenset({1})


def test_of_a_batch_that_has_expired_the_ledger_alone_is_held_against_itself() -> None:
    tables = sound_tables()
    expire_batch_1(tables)
    evidence = Evidence(**tables)
    assert find_breaks(evidence) == []
    assert tally([*evidence.delivery_counts, *evidence.said_of_others()]) == tally(sound_tables()["delivery_counts"])

    def alter(tables: Tables) -> None:
        expire_batch_1(tables)
        tables["ledger_partitions"][0]["late_count"] = 1

    assert "a batch is the sum of its partitions" in breaks_after(alter)

    def lose(tables: Tables) -> None:
        expire_batch_1(tables)
        tables["expired"] = frozenset()

    assert "payment_deliveries holds what the ledger counts" in breaks_after(lose)


def test_untouched_tables_are_proved() -> None:
    assert breaks_after(lambda _: None) == []


def test_an_empty_warehouse_has_nothing_to_break() -> None:
    assert find_breaks(Evidence()) == []


def test_a_control_row_that_knows_of_batches_is_missed_by_no_empty_ledger() -> None:
    control = sound_tables()["control"]
    [found] = find_breaks(Evidence(control=control))
    assert (found.rule, found.expected, found.found) == ("the control row is the ledger's end", 0, 2)
    assert find_breaks(Evidence(control=[control[0] | {"last_batch_id": 0}])) == [], "a run that has just begun"


@pytest.mark.parametrize(("table", "rows"), [(name, len(rows)) for name, rows in sound_tables().items()])
def test_any_row_that_is_deleted_is_missed(table: str, rows: int) -> None:
    for index in range(rows):
        row = sound_tables()[table][index]
        is_empty_range = table == "ledger_partitions" and row["delivered"] == 0
        assert bool(breaks_after(partial(delete, table, index))) != is_empty_range, row


@pytest.mark.parametrize("table", ["ledger", "ledger_partitions", "ledger_amounts", "control"])
def test_any_row_that_is_doubled_is_seen(table: str) -> None:
    for index in range(len(sound_tables()[table])):
        assert breaks_after(partial(double, table, index))


def test_a_delivery_that_is_doubled_is_seen() -> None:
    def count_one_more(tables: Tables) -> None:
        tables["delivery_counts"][0]["record_count"] += 1

    assert breaks_after(count_one_more) == ["payment_deliveries holds what the ledger counts"]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table, column)
        for table, rows in sound_tables().items()
        for column in rows[0]
        # What a batch was carried in on has no second witness in the first batch.
        if (table, column) != ("ledger", "watermark")
    ],
)
def test_any_value_that_is_altered_is_seen(table: str, column: str) -> None:
    assert breaks_after(lambda tables: alter(tables[table][0], column))


def test_a_watermark_that_is_altered_is_seen() -> None:
    assert breaks_after(lambda tables: alter(tables["ledger"][1], "watermark")) == ["the watermark is carried over"]


def test_a_ledger_of_before_records_were_ignored_is_proved() -> None:
    tables = sound_tables()
    del tables["ledger"][0], tables["ledger_partitions"][:2]
    tables["ledger"][0] |= {"batch_id": 1, "watermark": None}
    for row in (*tables["ledger"], *tables["ledger_partitions"]):
        row["batch_id"] = 1
        row["ignored_count"] = None
    tables["ledger"][0]["ignored_by_rule"] = None
    tables["control"][0]["last_batch_id"] = 1
    del tables["ignored_counts"]
    for name in ("delivery_counts", "delivery_amounts", "ledger_amounts"):
        tables[name] = [row | {"batch_id": 1} for row in tables[name] if row["batch_id"] == 2]
    assert find_breaks(Evidence(**tables)) == []


def test_an_ignored_record_that_was_erased_is_counted_by_its_receipt() -> None:
    def erase(tables: Tables) -> None:
        tables["delivery_counts"][-3]["record_count"] = 1
        tables["delivery_counts"].append(delivered(1, 1, "ERASED", 1, 3, 3))
        tables["delivery_amounts"][3] |= {"record_count": 1}
        tables["ignored_counts"][0]["record_count"] = 1
        erased = {"disposition": "IGNORED", "currency": "", "record_count": 1, "amount_minor": 0}
        tables["erasures"] = [{"batch_id": 1, "kafka_partition": 1, **erased}]

    assert breaks_after(erase) == []


def test_a_record_that_another_rule_ignored_is_seen() -> None:
    def rename(tables: Tables) -> None:
        tables["ignored_counts"][0]["rule"] = "refund"

    assert breaks_after(rename) == ["payment_deliveries holds what each rule ignored"]


def test_a_record_that_breaks_a_rule_by_itself_is_named() -> None:
    row = {"topic": "payment-events", "kafka_partition": 3, "kafka_offset": 17}
    [found] = find_breaks(Evidence(broken_records={"a payment is stored once": [row]}))
    assert (found.rule, found.where) == ("a payment is stored once", "payment-events 3:17")


def test_the_tally_is_by_partition_and_adds_up() -> None:
    rows = tally(sound_tables()["delivery_counts"])
    assert [asdict(row) for row in rows] == [
        asdict(PartitionTally(0, delivered=6, unique=4, duplicate=1, late=1, quarantined=0)),
        asdict(PartitionTally(1, delivered=4, unique=1, duplicate=0, late=0, quarantined=1, ignored=2)),
    ]


def delete(table: str, index: int, tables: Tables) -> None:
    tables[table].pop(index)


def double(table: str, index: int, tables: Tables) -> None:
    tables[table].append(tables[table][index])


def alter(row: dict[str, Any], column: str) -> None:
    value = row[column]
    if column.endswith("_offsets"):
        row[column] = json.dumps({key: offset + 1 for key, offset in json.loads(value).items()})
    elif isinstance(value, int):
        # An epoch may rise, and offsets lie anywhere in their batch: an alteration is one that leaves what is possible.
        row[column] = value - 7 if column == "epoch" and row.get("last_batch_id") else value + 7
    elif isinstance(value, datetime):
        row[column] = value + timedelta(seconds=-1 if column.startswith("min") else 1)
    else:
        row[column] = f"{value}x"


def with_a_hole(in_partition: int | None, in_batch: int | None) -> Tables:
    """Sound tables, and an offset more in partition 1 of batch 1 and its neighbours, which is a hole."""
    tables = copy.deepcopy(sound_tables())
    row = next(r for r in tables["ledger_partitions"] if (r["batch_id"], r["kafka_partition"]) == (1, 1))
    row["start_offset"] -= 1
    row["hole_count"] = in_partition
    batch = next(r for r in tables["ledger"] if r["batch_id"] == 1)
    starts = json.loads(batch["start_offsets"])
    batch["start_offsets"] = json.dumps(starts | {"1": row["start_offset"]})
    batch["hole_count"] = in_batch
    return tables


@pytest.mark.parametrize(
    ("in_partition", "in_batch", "rules"),
    [
        (1, 1, []),
        (None, None, ["offsets = delivered + holes"]),
        (2, 2, ["offsets = delivered + holes"]),
        (1, None, ["a batch's holes are its partitions'"]),
        (1, 2, ["a batch's holes are its partitions'"]),
    ],
)
def test_an_offset_without_a_record_is_accounted_for_by_the_ledger(
    in_partition: int | None, in_batch: int | None, rules: list[str]
) -> None:
    assert [found.rule for found in find_breaks(Evidence(**with_a_hole(in_partition, in_batch)))] == rules
