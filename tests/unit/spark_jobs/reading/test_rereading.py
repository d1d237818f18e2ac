"""Kept records read again: each by the contract that it is given, in the order that they came in."""

from datetime import UTC, datetime
from typing import Any

from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.reading.rereading import reread, reread_each
from tests.corpus.cases import event_bytes
from tests.unit.spark_jobs.events import MAPPING, OTHER, charge


def kept(offset: int, value: bytes) -> dict[str, Any]:
    place = {"kafka_partition": 0, "kafka_offset": offset, "kafka_timestamp": datetime(2026, 11, 21, 12, tzinfo=UTC)}
    return place | {"raw_key": None, "raw_value": value}


def test_each_record_is_read_by_its_own_contract_in_order() -> None:
    rows = [kept(0, charge("a")), kept(1, event_bytes()), kept(2, charge("c")), kept(3, charge("d", type_="test"))]
    mappings = (MAPPING, None, OTHER, MAPPING)
    again = reread_each(rows, [contract_of_now(mapping=mapping) for mapping in mappings])
    assert [row["kafka_offset"] for row in again] == [0, 1, 2, 3]
    assert [row["amount_minor"] for row in again][0::2] == [1250, 125_000]
    assert [row["is_ignored"] for row in again] == [False, False, False, True]
    assert again[1]["reasons"] == []


def test_nothing_is_read_of_no_records() -> None:
    assert reread([], contract_of_now()) == reread_each([], []) == []
