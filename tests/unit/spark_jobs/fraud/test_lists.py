"""Allow and block lists: what is written when, and that BigQuery takes the statements."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from google.cloud import bigquery

from benchmarks.bytes.analyzer import Warehouse
from spark_jobs.fraud import lists
from spark_jobs.fraud.lists import Entry, ListName, NotListed, Subject, SubjectKind, add, entries, remove
from tests.unit.spark_jobs.batches import SETTINGS

NOW = datetime(2026, 11, 29, tzinfo=UTC)
WHO = Subject(ListName.BLOCK, SubjectKind.RECEIVER, "mule")
ENTRY = Entry("e1", "BLOCK", "RECEIVER", "mule", NOW, NOW + timedelta(days=30), "analyst", "reported", NOW)
ROW = asdict(ENTRY)
SUBJECT = dict.fromkeys(("list_name", "subject_kind", "subject"), "STRING")
SAID = {"decided_by": "STRING", "reason": "STRING"}


class Recorded:
    """A warehouse that answers with these rows, and notes what was sent."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []

    def run(self, _: object, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        if "insert into" in sql:
            self.written.append((sql, values))
            return []
        self.asked.append(sql)
        return self.rows


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorded]:
    def make(*rows: dict[str, Any]) -> Recorded:
        warehouse = Recorded(*rows)
        monkeypatch.setattr(lists, "run", warehouse.run)
        return warehouse

    return make


NOBODY = cast("Any", None)


def test_an_entry_is_written_with_its_days_who_and_why(given: Callable[..., Recorded]) -> None:
    warehouse = given(ROW)
    assert add(NOBODY, SETTINGS, WHO, 30, by="analyst", reason="reported") == ENTRY
    [(_, values)] = warehouse.written
    assert values.pop("entry_id")
    assert values == WHO.values | {"days": 30, "decided_by": "analyst", "reason": "reported"}


def test_somebody_who_is_on_no_list_cannot_be_taken_off(given: Callable[..., Recorded]) -> None:
    warehouse = given()
    with pytest.raises(NotListed, match="receiver mule is on no block list now") as refused:
        remove(NOBODY, SETTINGS, WHO, by="analyst", reason="a slip")
    assert "\n" not in str(refused.value)
    assert not warehouse.written


def test_an_entry_that_is_removed_ends_now_and_keeps_its_beginning(given: Callable[..., Recorded]) -> None:
    warehouse = given(ROW)
    assert remove(NOBODY, SETTINGS, WHO, by="analyst", reason="a slip") == ENTRY
    [(sql, values)] = warehouse.written
    assert "valid_from, current_timestamp(), @decided_by" in sql
    assert values == WHO.values | {"decided_by": "analyst", "reason": "a slip"}


def test_entries_that_are_over_are_shown_on_request(given: Callable[..., Recorded]) -> None:
    warehouse = given(ROW)
    assert entries(NOBODY, SETTINGS) == entries(NOBODY, SETTINGS, expired=True) == [ENTRY]
    assert ["current_timestamp" in sql for sql in warehouse.asked] == [True, False]


def test_bigquery_takes_the_statements() -> None:
    warehouse = Warehouse()
    adding = SUBJECT | SAID | {"entry_id": "STRING", "days": "INT64"}
    for sql, kinds in (
        (lists.in_force_sql(SETTINGS), SUBJECT),
        (lists.add_sql(SETTINGS), adding),
        (lists.remove_sql(SETTINGS), SUBJECT | SAID),
    ):
        warehouse.accept(sql, [bigquery.ScalarQueryParameter(name, kind, None) for name, kind in kinds.items()])
