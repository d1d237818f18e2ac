"""Delta beside the warehouse and alone, on a real broker and Spark: the same records, once each, whatever dies when."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local_stack.processes import free_port
from spark_jobs.corrections import kept_records, late_payments
from spark_jobs.crash_points import Point
from spark_jobs.erasure import erase
from spark_jobs.incidents import Incident
from spark_jobs.retention.kept import DELIVERIES, PAYMENTS, Mark
from spark_jobs.retention.marks import write_mark
from spark_jobs.settings import DELTA, SINKS
from spark_jobs.sinks.delta import publisher
from spark_jobs.sinks.delta.comparison import compare
from spark_jobs.sinks.delta.publisher import RETRACTED
from spark_jobs.sinks.delta.tables import METRICS
from spark_jobs.sinks.open_store import open_store
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import table_id
from tests.faults.exactly_once import assert_delta_is_the_same
from tests.world import World, event

pytestmark = pytest.mark.integration


class Died(Exception):
    """The run ends here."""


def dying_at(point: Point, visit: int = 1) -> Callable[[Point], None]:
    visits = 0

    def crash_point(at: Point) -> None:
        nonlocal visits
        visits += at is point
        if at is point and visits == visit:
            raise Died

    return crash_point


def files_that_name(world: World, account: bytes) -> list[Path]:
    return [path for path in (world.folder / "delta").rglob("*.parquet") if account in path.read_bytes()]


def test_delta_follows_the_warehouse_and_spark_reads_the_same_from_both(world: World) -> None:
    """Also where it is switched on late, and after corrections and retractions."""
    world.send([event("old", 200), event("twice", 190), b"junk", None])
    world.drain()
    world.send([event("mover", 60)])
    world.drain()
    assert world.delta_rows(catalog.DELIVERIES) == []
    world = replace(world, settings=replace(world.settings, sinks=SINKS))
    world.send([event("newest")])
    world.drain()
    assert_delta_is_the_same(world)

    world.send([event("old"), event("twice", amount="7.00"), event("late", 150)])
    [report] = world.drain()
    assert (report.unique, report.duplicate, report.late) == (0, 2, 1)
    assert_delta_is_the_same(world)
    late_payments.decide_late(
        world.client,
        world.settings,
        kept_records.Selection(),
        Correction.ADMITTED_LATE,
        decided_by="operator",
        reason="asked",
    )
    world.send([event("last")])
    world.drain()
    assert {row["transaction_id"] for row in world.delta_rows(catalog.TRANSACTIONS)} >= {"late", "last"}
    assert_delta_is_the_same(world)

    world.send([event("new", sender_account_id="leaver"), event("new", sender_account_id="leaver")])
    world.drain()
    assert files_that_name(world, b"leaver")
    assert erase.erase(world.client, world.settings, "leaver", erased_by="operator", reason="asked")
    world.send([event("new", sender_account_id="leaver"), event("stays")])
    [report] = world.drain()
    assert report.erased == 1
    assert_delta_is_the_same(world)
    assert not files_that_name(world, b"leaver")

    found = compare(world.spark, world.client, world.settings)
    assert found.agrees, found
    assert found.batch_id == world.control().last_batch_id
    assert found.rows > found.batch_id

    # Days expire in the warehouse alone.
    mark = Mark(datetime.now(UTC).date() + timedelta(days=1), found.batch_id)
    for kept, table in ((DELIVERIES, catalog.DELIVERIES), (PAYMENTS, catalog.TRANSACTIONS)):
        write_mark(world.client, world.settings, kept, mark, "night", datetime.now(UTC))
        world.ask(f"delete from `{table_id(world.settings, table)}` where true")
    kept_in_delta = compare(world.spark, world.client, world.settings)
    assert kept_in_delta.agrees, kept_in_delta
    assert kept_in_delta.rows == found.batch_id, "the ledger's rows are kept"


def test_delta_alone_needs_no_warehouse_and_holds_each_payment_once_whatever_dies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    world = replace(world, settings=replace(world.settings, sinks=(DELTA,), emulator_host=nobody))

    def dispositions() -> list[tuple[int, str]]:
        rows = world.delta_rows(catalog.DELIVERIES)
        return sorted((row["kafka_offset"], row["disposition"]) for row in rows)

    world.send([event("old", 200), b"junk", event("old", 200)])
    world.drain()
    # An id is forgotten a batch after the watermark has passed it.
    for value in (event("mover", 30), b"junk", event("old", 200)):
        world.send([value])
        world.drain()
    expected = [(0, "UNIQUE"), (1, "QUARANTINED"), (2, "DUPLICATE"), (3, "UNIQUE"), (4, "QUARANTINED"), (5, "LATE")]
    assert dispositions() == expected

    # Dies after one table, then after all but the control row; between the two the checkpoint is lost.
    world.send([event("newest"), event("mover", 30)])
    for visit in (1, 3):
        monkeypatch.setattr(publisher, "crash_point", dying_at(Point.DELTA_BEGUN, visit))
        with pytest.raises(Died):
            world.drain()
        world.lose_checkpoint()
    monkeypatch.undo()
    world.send([event("fresh")])
    world.drain()
    # The batch may be cut anew, the records of it that were left behind are gone.
    expected += [(6, "UNIQUE"), (7, "DUPLICATE"), (8, "UNIQUE")]
    assert dispositions() == expected

    # Hours later the state has forgotten the first one, and the payments have not.
    world.send([event("old")])
    [report] = world.drain()
    assert (report.unique, report.duplicate) == (0, 1)
    assert dispositions() == [*expected, (9, "DUPLICATE")]
    assert [row["transaction_id"] for row in world.delta_rows(RETRACTED)] == ["old"]
    ids = [row["transaction_id"] for row in world.delta_rows(catalog.TRANSACTIONS)]
    assert sorted(ids) == ["fresh", "mover", "newest", "old"]
    metrics = sorted(world.delta_rows(METRICS), key=lambda row: int(row["batch_id"]))
    assert sum(row["delivered"] for row in metrics) == 10
    assert [row["batch_id"] for row in metrics] == list(range(1, len(metrics) + 1))

    # A run that was overtaken writes nothing that stays.
    with open_store(world.settings) as store:
        control = store.read_control()
        assert control
        overtaken = store.publisher(control)
        store.raise_epoch("another", control)
        world.send([event("after")])
        monkeypatch.setattr("spark_jobs.sinks.delta.store.DeltaStore.publisher", lambda *_: overtaken)
        with pytest.raises(Incident, match="FENCED"):
            world.drain()
    assert dispositions() == [*expected, (9, "DUPLICATE")]
