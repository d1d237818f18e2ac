"""Verify, audit, checks and dbt beside traffic: none sees two moments at once, and none misses what a hand has done."""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from google.api_core.exceptions import GoogleAPICallError

from orchestration.asset_checks import judge_newest_batch
from orchestration.resources.dbt_process import build
from orchestration.verification import ledger_audit
from orchestration.verification.audit_reads import days_of, read_day
from orchestration.verification.proof import judge
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.incidents import Incident
from spark_jobs.process_payments import drain
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.client import connect
from tests.integration.command import wait_for
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.long]

VERIFICATIONS = 100
A_BATCH_EVERY = 10
"""Verifications, at the most, between two looks at whether traffic still flows."""
AUDITED_EVERY = 20
PAYMENTS_A_SECOND = 500


@contextmanager
def again_and_again(*works: Callable[[], object]) -> Iterator[None]:
    """Each piece of work in a thread of its own, until the block ends; what one raises is raised then."""
    stop = Event()

    def repeat(work: Callable[[], object]) -> None:
        while not stop.is_set():
            work()

    with ThreadPoolExecutor(len(works)) as pool:
        going = [pool.submit(repeat, work) for work in works]
        try:
            yield
        except Exception as failed:
            stop.set()
            # Whatever the block waited for in vain, one of them has ended.
            if causes := [cause for work in going if isinstance(cause := work.exception(), Exception)]:
                raise ExceptionGroup(str(failed), causes) from failed
            raise
        finally:
            stop.set()
        for work in going:
            work.result()


def sender(world: World) -> Callable[[], None]:
    """So many payments a second, with the simulator's faults, late ones among them."""
    seeds = count(1)

    def send() -> None:
        began = time.monotonic()
        world.simulate(PAYMENTS_A_SECOND, seed=next(seeds))
        time.sleep(max(0.0, began + 1 - time.monotonic()))

    return send


def builder(world: World, builds: list[dict[str, str]]) -> Callable[[], None]:
    """dbt's build with its tests; what each node that is not green came to, build by build."""
    folder = world.folder / "dbt"
    env = {**os.environ, **world.settings.environment(), "DBT_TARGET": "local"}

    def run_dbt() -> None:
        build("build", folder, env, "--exclude-resource-type", "unit_test", timeout_seconds=400)
        builds.append(not_green(folder))

    return run_dbt


def not_green(folder: Path) -> dict[str, str]:
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"]: r["status"] for r in results if r["status"] not in ("success", "pass")}


def corrector(world: World) -> Callable[[], None]:
    """Late payments admitted, one at a time; where a batch came in between, it is tried again."""
    client = connect(world.settings)

    def admit() -> None:
        with suppress(Incident):
            decide_late(
                client,
                world.settings,
                Selection(limit=1),
                Correction.ADMITTED_LATE,
                decided_by="operator",
                reason="asked by finance",
            )
        time.sleep(1)

    return admit


def broken_batches(world: World) -> list[ledger_audit.BatchVerdict]:
    with WarehouseReads(world.client, world.settings).at_one_moment() as reads:
        verdicts = [ledger_audit.judge(read_day(reads, day)) for day in days_of(reads)]
    return [batch for verdict in verdicts for batch in verdict.batches if batch.broken]


def alter_an_amount(world: World) -> None:
    """A minor unit more in one delivery, as a hand does it; again where a batch was published in the same moment."""
    for attempts_left in reversed(range(20)):
        try:
            world.ask(
                """
                update {payment_deliveries} set amount_minor = amount_minor + 1
                where disposition = 'UNIQUE' and batch_id = 1 and kafka_partition = 0 and kafka_offset = (
                    select min(kafka_offset) from {payment_deliveries}
                    where disposition = 'UNIQUE' and batch_id = 1 and kafka_partition = 0)
                """
            )
        except GoogleAPICallError:
            if not attempts_left:
                raise
        else:
            return


def batch_after(world: World, batch_id: int) -> int:
    """The newest batch, once there is one after this: traffic flows."""
    return wait_for("a batch after the last one seen", lambda: newest_after(world, batch_id))


def newest_after(world: World, batch_id: int) -> int | None:
    newest = world.control().last_batch_id
    return newest if newest > batch_id else None


def test_a_hundred_verifications_are_green_beside_traffic_builds_and_corrections_and_a_hand_is_found(
    world: World,
) -> None:
    world.simulate(2 * PAYMENTS_A_SECOND, seed=0)
    world.drain()
    builds: list[dict[str, str]] = []
    seen = world.control().last_batch_id
    with again_and_again(sender(world), lambda: drain(world.spark, world.settings, max_seconds=30, idle_seconds=5)):
        with again_and_again(builder(world, builds), corrector(world)):
            for number in range(VERIFICATIONS):
                if number % A_BATCH_EVERY == 0:
                    seen = batch_after(world, seen)
                assert judge(world.client, world.settings, None).breaks == []
                batch = WarehouseReads(world.client, world.settings).newest_batch()
                assert judge_newest_batch(batch, world.settings).passed
                if number % AUDITED_EVERY == 0:
                    assert broken_batches(world) == []
        seen = batch_after(world, seen)
        alter_an_amount(world)
        found = {broken.rule for broken in judge(world.client, world.settings, None).breaks}
        batch_after(world, seen)
    assert found >= {
        "a UNIQUE or corrected delivery and its payment agree",
        "batch_ledger_amounts is the deliveries' money",
    }
    assert builds
    assert all(build == {} for build in builds)
    control = world.control()
    assert 0 < control.correction_count == len(world.rows(catalog.CORRECTIONS))
