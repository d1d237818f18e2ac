"""Killed at every boundary between two durable effects, the pipeline still publishes every record exactly once."""

import signal
from dataclasses import replace

import pytest

from orchestration.verification.proof import judge
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.crash_points import Point
from spark_jobs.decision_queue.queue_table import ask, progress_of
from spark_jobs.decision_queue.request import Kind, Request, late_arguments
from spark_jobs.settings import SINKS
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.request_tables import State
from tests.faults.drivers import Driver, warm_drivers
from tests.faults.exactly_once import assert_exactly_once, send, send_some
from tests.faults.oracle import Oracle
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

IN_A_WORKER = {Point.SEGMENT_WRITTEN, Point.PARQUET_STAGED}
NEEDS_A_LOST_CHECKPOINT = {Point.GENERATION_STARTED, Point.STATE_SEEDED}
NEEDS_LARGE_STATE = {Point.SEGMENT_WRITTEN}
NEEDS_A_REQUEST = {Point.DECISION_COMMITTED}
OF_THE_WAREHOUSE = (Point.LOAD_ACCEPTED, Point.LOAD_DONE, Point.COMMIT_SENT, Point.COMMIT_ANSWERED, Point.LEDGER_SEEN)
ENOUGH_FOR_A_SEGMENT = 33_000


@pytest.mark.parametrize("stored_world", ["disk", pytest.param("gs", marks=pytest.mark.long)], indirect=True)
def test_a_driver_killed_at_any_point_loses_and_doubles_nothing_in_any_sink(stored_world: World) -> None:
    world = replace(stored_world, settings=replace(stored_world.settings, sinks=SINKS))
    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    with warm_drivers(world) as drivers:
        for point in [point for point in Point if point not in NEEDS_LARGE_STATE | NEEDS_A_REQUEST]:
            kill_and_go_on(world, oracle, next(drivers), point)

        send_some(world, oracle)
        sleeper = next(drivers)
        sleeper.begin(f"{Point.LOAD_DONE}:1:STOP")
        sleeper.wait_until_stopped()
        world.drain()
        sleeper.signal(signal.SIGCONT)
        assert sleeper.end() == 1
        assert "FENCED: another run took over the pipeline" in sleeper.output()
        assert_exactly_once(world, oracle)

        send_some(world, oracle)
        told_to_end = next(drivers)
        told_to_end.begin(f"{Point.LOAD_DONE}:1:STOP")
        told_to_end.wait_until_stopped()
        told_to_end.signal(signal.SIGTERM)
        told_to_end.signal(signal.SIGCONT)
        assert told_to_end.end(timeout_seconds=10) != 0
        world.drain()
        assert_exactly_once(world, oracle)
    left = [table.table_id for table in world.client.list_tables(world.settings.dataset)]
    assert not [name for name in left if name.startswith("staging_")]


def test_a_driver_killed_between_the_warehouses_effects_is_made_good_on_a_warehouse_without_a_patch(
    plain_world: World,
) -> None:
    oracle = Oracle()
    send_some(plain_world, oracle)
    plain_world.drain()
    with warm_drivers(plain_world) as drivers:
        for point in OF_THE_WAREHOUSE:
            kill_and_go_on(plain_world, oracle, next(drivers), point)


def test_a_driver_killed_between_two_portions_of_a_decision_carries_each_out_once(world: World) -> None:
    world = replace(world, settings=replace(world.settings, decision_portion=2))
    for name, minutes_ago in (("mover", 60), ("newest", 0)):
        world.send([event(name, minutes_ago)])
        world.drain()
    world.send([event(f"late-{n}", 150) for n in range(5)])
    world.drain()
    request = Request(Kind.LATE, late_arguments(Selection(), Correction.ADMITTED_LATE), "operator", "asked")
    ask(world.client, world.settings, request)
    with warm_drivers(world) as drivers:
        world.send([event("another")])
        assert next(drivers).drain(f"{Point.DECISION_COMMITTED}:2") == -9
        first = progress_of(world.client, world.settings, request.request_id)
        assert (first.state, first.portions, first.decided) == (State.PORTION, 2, 4)
    world.drain()
    done = progress_of(world.client, world.settings, request.request_id)
    assert (done.state, done.portions, done.decided) == (State.DONE, 3, 5)
    late = [row["transaction_id"] for row in world.rows(catalog.CORRECTIONS, "transaction_id")]
    assert sorted(late) == [f"late-{n}" for n in range(5)]
    assert judge(world.client, world.settings, None).breaks == []


def kill_and_go_on(world: World, oracle: Oracle, driver: Driver, point: Point) -> None:
    """Send, have a driver die at the point, and let another run go on."""
    send_some(world, oracle)
    if point in NEEDS_A_LOST_CHECKPOINT:
        world.lose_checkpoint()
    assert driver.drain(point) == (1 if point in IN_A_WORKER else -9), point
    world.drain()
    assert_exactly_once(world, oracle)


def test_a_worker_killed_while_it_grows_the_state_and_what_it_lacks_room_for_are_made_good(
    stored_world: World,
) -> None:
    """Where a disk is full or memory runs out, a run fails as a whole; the next one goes on from what is published."""
    world = replace(stored_world, settings=replace(stored_world.settings, state_buckets=1))
    oracle = Oracle()
    send(world, oracle, [event(f"payment-{n}") for n in range(ENOUGH_FOR_A_SEGMENT)])
    full_disk = Driver(world, TEST_LARGEST_FILE_BYTES="200000")
    little_memory = Driver(world, PYSPARK_SUBMIT_ARGS="--conf spark.executor.pyspark.memory=80m pyspark-shell")
    killed = Driver(world)
    try:
        assert full_disk.drain() == 1
        assert "File too large" in full_disk.output()
        assert little_memory.drain() == 1
        # On an object store the first batch needs no room here; of the one that lacks it, no part is there.
        published = sum(row["delivered"] for row in world.rows(catalog.LEDGER))
        assert world.rows(catalog.DELIVERIES, "count(*) as n")[0]["n"] == published < ENOUGH_FOR_A_SEGMENT
        assert not published or world.settings.checkpoint_location.startswith("gs://")
        assert killed.drain(Point.SEGMENT_WRITTEN) == 1
        assert "Python worker exited unexpectedly" in killed.output()
    finally:
        for driver in (full_disk, little_memory, killed):
            driver.close()
    send_some(world, oracle)
    world.drain()
    assert_exactly_once(world, oracle)
