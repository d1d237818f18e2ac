"""Killed at every boundary between two durable effects, the pipeline still publishes every record exactly once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest

from spark_jobs import tables
from spark_jobs.crashpoints import Point
from tests.faults.oracle import Oracle, Sent
from tests.world import World, event

pytestmark = pytest.mark.integration

IN_A_WORKER = {Point.SEGMENT_WRITTEN, Point.PARQUET_STAGED}
NEEDS_A_LOST_CHECKPOINT = {Point.GENERATION_STARTED, Point.STATE_SEEDED}
NEEDS_LARGE_STATE = {Point.SEGMENT_WRITTEN}
DRIVER_TIMEOUT_SECONDS = 180

_ids = count(1)


class Driver:
    """A driver process that is warm and waits to be told where to die."""

    def __init__(self, world: World) -> None:
        self._log = (world.folder / "driver.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver"],
            env=os.environ | world.settings.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )

    def drain(self, point: Point) -> int:
        """Drain until the point; returns the exit code."""
        self._process.communicate(f"{point}\n".encode(), timeout=DRIVER_TIMEOUT_SECONDS)
        return self._process.returncode

    def close(self) -> None:
        self._process.kill()
        # Also closes the pipes of a driver that was never used.
        self._process.communicate()
        self._log.close()


@contextmanager
def warm_drivers(world: World) -> Iterator[Iterator[Driver]]:
    """Drivers one after the other; the next one warms up while the last one is used."""
    drivers: list[Driver] = [Driver(world)]

    def following() -> Iterator[Driver]:
        while True:
            drivers.append(Driver(world))
            yield drivers[-2]

    try:
        yield following()
    finally:
        for driver in drivers:
            driver.close()


def send_some(world: World, oracle: Oracle) -> None:
    """A few payments on each partition, one of them a retry of an earlier one, one twice in the same batch."""
    for partition in (0, 1):
        fresh = [event(f"payment-{next(_ids)}") for _ in range(5)]
        retried = [record.value for record in oracle.sent[-3:]]
        values = [*fresh, fresh[0], *retried]
        places = world.send(values, partition=partition)
        oracle.sent += [Sent(place, value) for place, value in zip(places, values, strict=True)]


def assert_exactly_once(world: World, oracle: Oracle) -> None:
    found = {place: (row["disposition"], row["value_sha256"].hex()) for place, row in world.deliveries().items()}
    assert found == oracle.expected_deliveries()
    rows = world.rows(tables.TRANSACTIONS, "transaction_id, amount, kafka_partition, kafka_offset")
    transactions = [
        (r["transaction_id"], f"{r['amount']:.2f}", (r["kafka_partition"], r["kafka_offset"])) for r in rows
    ]
    assert len(set(transactions)) == len(transactions)
    assert set(transactions) == oracle.expected_transactions()
    ledger = sorted(world.rows(tables.LEDGER), key=lambda row: row["batch_id"])
    assert [row["batch_id"] for row in ledger] == list(range(1, len(ledger) + 1))
    assert [row["epoch"] for row in ledger] == sorted(row["epoch"] for row in ledger)
    assert sum(row["delivered"] for row in ledger) == len(oracle.sent)


def test_a_driver_killed_at_any_point_loses_and_doubles_nothing(world: World) -> None:
    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    with warm_drivers(world) as drivers:
        for point in [point for point in Point if point not in NEEDS_LARGE_STATE]:
            send_some(world, oracle)
            if point in NEEDS_A_LOST_CHECKPOINT:
                world.lose_checkpoint()
            exit_code = next(drivers).drain(point)
            assert exit_code == (1 if point in IN_A_WORKER else -9), point
            world.drain()
            assert_exactly_once(world, oracle)
