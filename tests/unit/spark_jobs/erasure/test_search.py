"""A search that goes on while batches come, and what of it one portion takes."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from spark_jobs.erasure import search as searching
from spark_jobs.erasure.account_search import Found, Since
from spark_jobs.erasure.search import Search, portion_of
from spark_jobs.incidents import Incident
from tests.unit.spark_jobs.batches import CONTROL, SETTINGS

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def found(offset: int, transaction_id: str | None) -> Found:
    day = date(2026, 11, 21)
    return Found(("t", 0, offset), transaction_id, "UNIQUE", day, "EUR", 100, 1, NOON, NOON)


class Warehouse:
    """What it holds of the account, and how it was asked."""

    def __init__(self) -> None:
        self.all = [found(1, "a"), found(2, "b")]
        self.new: list[Found] = []
        self.of_known: list[Found] = []
        self.asked: list[tuple[str, Since | None]] = []

    def find(self, _client: Any, _settings: Any, _account: str, since: Since | None = None) -> list[Found]:
        self.asked.append(("account", since))
        return self.new if since else self.all

    def deliveries_of(self, _client: Any, _settings: Any, ids: set[str], since: Since | None = None) -> list[Found]:
        self.asked.append((",".join(sorted(ids)), since))
        return self.of_known


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    warehouse = Warehouse()
    monkeypatch.setattr(searching, "find", warehouse.find)
    monkeypatch.setattr(searching, "deliveries_of", warehouse.deliveries_of)
    row = {"delivered": NOON, "paid": NOON - timedelta(hours=1)}
    monkeypatch.setattr(searching, "run", lambda *_: [row])
    return warehouse


def search() -> Search:
    return Search(None, SETTINGS, "account")  # type: ignore[arg-type]


def test_all_is_searched_once_and_after_a_batch_only_what_it_brought(warehouse: Warehouse) -> None:
    asked = search()
    assert asked.found(CONTROL) == warehouse.all
    assert asked.found(CONTROL) == warehouse.all
    assert warehouse.asked == [("account", None)]
    warehouse.new, warehouse.of_known = [found(9, "c")], [found(8, "b")]
    later = replace(CONTROL, last_batch_id=CONTROL.last_batch_id + 1)
    assert [f.place[2] for f in asked.found(later)] == [1, 2, 8, 9]
    since = Since(CONTROL.last_batch_id, NOON, NOON - timedelta(hours=1))
    assert warehouse.asked[1:] == [("account", since), ("a,b,c", since)]


def test_what_is_taken_is_not_found_again(warehouse: Warehouse) -> None:
    asked = search()
    asked.found(CONTROL)
    asked.taken(warehouse.all[:1])
    assert asked.found(CONTROL) == warehouse.all[1:]
    asked.begin_anew()
    assert asked.found(CONTROL) == warehouse.all


def test_what_does_not_go_through_memory_is_refused(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MAX_RECORDS", 1)
    assert len(warehouse.all) == 2
    with pytest.raises(Incident, match="2 deliveries name the account, and one erasure takes 1 at most"):
        search().found(CONTROL)


def test_a_portion_takes_whole_payments_and_at_least_one() -> None:
    rows = [found(1, "a"), found(2, None), found(3, "b"), found(4, "a"), found(5, "b"), found(6, "a")]
    assert portion_of(rows, None) == rows
    assert portion_of(rows, 6) == rows
    assert [f.place[2] for f in portion_of(rows, 4)] == [1, 4, 6, 2]
    assert [f.place[2] for f in portion_of(rows, 1)] == [1, 4, 6]
