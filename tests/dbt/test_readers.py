"""What a reader finds while dbt builds: all of it, at any time; and seeds are loaded only where they changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest
from google.api_core.exceptions import GoogleAPICallError

from spark_jobs.warehouse.client import connect, run
from tests.dbt.conftest import DbtWarehouse
from tests.dbt.sample import deliveries, tables

pytestmark = [pytest.mark.integration, pytest.mark.long]

NO_UNIT_TESTS = ("--exclude-resource-type", "unit_test")
LABEL = "alter table {%s} set options (labels = [('seed', '%s')])"


@dataclass
class Reading:
    """What could not be read, and how often everything was read."""

    rounds: int = 0
    failed: list[str] = field(default_factory=list)


@contextmanager
def reading(warehouse: DbtWarehouse) -> Iterator[Reading]:
    """Reads each table and view that is there now, one after the other, until the block ends."""
    settings, found, stop = warehouse.settings, Reading(), Event()
    names = [item.table_id for item in warehouse.client.list_tables(settings.dataset)]

    def read() -> None:
        with connect(settings) as client:
            while not stop.is_set():
                for name in names:
                    try:
                        run(client, f"select * from `{settings.project}.{settings.dataset}.{name}` limit 1", {})
                    except GoogleAPICallError as error:
                        found.failed.append(f"{name}: {error.message}")
                    # The build is to have most of the warehouse.
                    stop.wait(0.4)
                found.rounds += 1

    thread = Thread(target=read)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def test_nothing_disappears_during_three_builds_and_a_seed_is_loaded_where_it_changed(warehouse: DbtWarehouse) -> None:
    warehouse.fill(tables(deliveries(batches=2)))
    first = warehouse.build(*NO_UNIT_TESTS)
    assert not first.not_green(), first.output
    limits, thresholds = warehouse.rows("health_limits"), warehouse.rows("risk_thresholds")

    # By hand: this one as if its file had been another, that one with the file that it was loaded from.
    warehouse.run(LABEL % ("health_limits", "0" * 32))
    warehouse.run("delete from {health_limits} where metric != 'state_size_mb'")
    warehouse.run("update {risk_thresholds} set above_eur = 0.01 + above_eur where true")
    by_hand = warehouse.rows("risk_thresholds")
    with reading(warehouse) as found:
        for batches in (2, 3):
            warehouse.fill(tables(deliveries(batches=batches)))
            again = warehouse.build(*NO_UNIT_TESTS)
            assert not again.not_green(), again.output
        changed = warehouse.rows("health_limits"), warehouse.rows("risk_thresholds")
        refreshed = warehouse.build("--select", "risk_thresholds", "--full-refresh")
    assert refreshed.statuses["risk_thresholds"] == "success"
    assert sorted(map(str, changed[0])) == sorted(map(str, limits))
    assert sorted(map(str, changed[1])) == sorted(map(str, by_hand)) != sorted(map(str, thresholds))
    assert sorted(map(str, warehouse.rows("risk_thresholds"))) == sorted(map(str, thresholds))
    assert found.rounds > 0
    assert found.failed == []
