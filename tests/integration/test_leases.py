"""The lease on a real warehouse: one holder at a time, and the next only when it is free or over by the warehouse."""

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from spark_jobs.settings import BY_LEASE, JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.turns.by_setting import turn_of
from spark_jobs.turns.lease import Lease
from spark_jobs.turns.lease_table import WarehouseLeases
from spark_jobs.warehouse.client import connect, run

pytestmark = pytest.mark.thorough
LIMIT_SECONDS = 60


@pytest.fixture
def settings(warehouse: JobSettings) -> Iterator[JobSettings]:
    settings = replace(warehouse, dataset=f"leases_{uuid.uuid4().hex[:8]}", turn=BY_LEASE)
    yield settings
    with connect(settings) as client:
        client.delete_dataset(f"{settings.project}.{settings.dataset}", delete_contents=True, not_found_ok=True)


def rows(settings: JobSettings) -> list[dict[str, object]]:
    with connect(settings) as client:
        return run(client, f"select * from `{table_id(settings, catalog.LEASES)}`", {})


def test_of_many_processes_one_at_a_time_has_its_turn_from_an_empty_project_on(
    settings: JobSettings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    holding, most, order = 0, 0, list[str]()
    counting = threading.Lock()

    def work(name: str) -> None:
        nonlocal holding, most
        with turn_of(settings, tmp_path_factory.getbasetemp())(lambda: None) as hold:
            hold.confirm()
            with counting:
                holding, order[:] = holding + 1, [*order, name]
                most = max(most, holding)
            hold.check()
            with counting:
                holding -= 1

    threads = [threading.Thread(target=work, args=(f"processor-{number}",), daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_SECONDS)
    assert most == 1
    assert sorted(order) == [f"processor-{number}" for number in range(4)]
    for row in rows(settings):
        assert (row["holder"], row["epoch"]) == ("", len(order))


def test_a_lease_that_nobody_renews_is_taken_after_its_end_by_the_warehouses_clock(settings: JobSettings) -> None:
    with connect(settings) as client:
        table = WarehouseLeases(client, settings)
        table.prepare()
        table.take("first", 2)
        first = table.read()
        # A clock that leaps asks at every look: only the warehouse's says when.
        second = Lease(table, "second", 2, clock=iter(range(0, 10**9, 1000)).__next__)
        deadline = time.monotonic() + LIMIT_SECONDS
        while not second.take():
            assert time.monotonic() < deadline
        assert [row["taken_at"] for row in rows(settings) if row["taken_at"] < first.expires_at] == []  # type: ignore[operator]
        assert second.renew()
        table.renew("first", 2)
        table.let_go("first")
        assert (table.read().holder, table.read().epoch) == ("second", first.epoch + 1)
