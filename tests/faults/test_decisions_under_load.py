"""Under steady traffic a resolution, 60,000 late payments, a backfill and an erasure all come to their end."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

import pytest

from orchestration.scenarios.backfill import _defective
from orchestration.verification.proof import judge
from spark_jobs.corrections.backfill import recomputed
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.decision_queue.asking import decide_by_queue
from spark_jobs.decision_queue.request import Kind, Progress, Request, late_arguments
from spark_jobs.erasure.account_search import find
from spark_jobs.process_payments import drain
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.source.connection import producer
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.request_tables import State
from spark_jobs.turns.turn import by_lock
from spark_jobs.warehouse.client import connect
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough, pytest.mark.long]

RATE = 2_000
LATE = 60_000
SWAPPED = 500
TEST_SECONDS = 400
BEATS_A_SECOND = 10


class Traffic:
    """Payments at a steady rate, as far as the machine bears it, until it is stopped."""

    def __init__(self, world: World) -> None:
        self.sent = 0
        self.seconds = 0.0
        self._world = world
        self._stopped = threading.Event()

    def flow(self) -> None:
        sender = producer(self._world.settings.bootstrap_servers, linger_ms=20)
        began, numbers = time.monotonic(), count()
        try:
            while not self._stopped.is_set():
                due = int((time.monotonic() - began) * RATE)
                for number in range(self.sent, min(due, self.sent + 2 * RATE // BEATS_A_SECOND)):
                    sender.send(
                        self._world.settings.topic, event(f"flow-{next(numbers)}"), key=b"k", partition=number % 2
                    )
                    self.sent += 1
                self._stopped.wait(1 / BEATS_A_SECOND)
            sender.flush()
        finally:
            sender.close()
            self.seconds = time.monotonic() - began

    def stop(self) -> None:
        self._stopped.set()


@pytest.fixture
def ready(world: World) -> World:
    """Much late money, one conflict, and an account with some payments."""
    world.send([event("twice", 100, amount="5.00"), *(event(f"swap-{n}", 100) for n in range(SWAPPED))])
    world.send(event(f"gone-{n}", 100, sender_account_id="gone-sender") for n in range(300))
    world.drain()
    world.send([event("twice", 100, amount="7.00"), event("mover", 60)])
    world.drain()
    world.send([event("newest")])
    world.drain()
    world.send(event(f"late-{n}", 150) for n in range(LATE))
    world.drain()
    return world


def test_four_decisions_end_under_traffic_and_no_batch_fails_for_them(ready: World) -> None:
    turn = partial(by_lock, ready.folder / "turn")
    took: dict[Kind, float] = {}

    def ask(kind: Kind, arguments: dict[str, Any]) -> Progress:
        began = time.monotonic()
        with connect(ready.settings) as client:
            done = decide_by_queue(client, ready.settings, Request(kind, arguments, "operator", "asked"), turn)
        took[kind] = time.monotonic() - began
        return done

    traffic, batches = Traffic(ready), list[BatchReport]()
    stopped = threading.Event()

    def run() -> None:
        while not stopped.is_set():
            batches.extend(drain(ready.spark, ready.settings, idle_seconds=2, max_seconds=TEST_SECONDS))

    with (
        recomputed(ready.client, ready.settings, {0: (0, SWAPPED)}, _defective) as beside,
        turn(lambda: None),
        ThreadPoolExecutor() as pool,
    ):
        flowing, running = pool.submit(traffic.flow), pool.submit(run)
        asked = {
            kind: pool.submit(ask, kind, arguments)
            for kind, arguments in {
                Kind.LATE: late_arguments(Selection(limit=LATE), Correction.ADMITTED_LATE),
                Kind.RESOLVE: {"transaction_id": "twice", "keep": "first"},
                Kind.BACKFILL: beside.arguments(),
                Kind.ERASURE: {"account": "gone-sender"},
            }.items()
        }
        try:
            done = {kind: answer.result(TEST_SECONDS) for kind, answer in asked.items()}
        finally:
            traffic.stop()
            flowing.result(TEST_SECONDS)
            stopped.set()
        running.result(TEST_SECONDS)
    print(f"{traffic.sent} payments in {traffic.seconds:.0f} s, {traffic.sent / traffic.seconds:.0f}/s")  # noqa: T201
    print(f"seconds: { ({str(kind): round(seconds, 1) for kind, seconds in took.items()}) }")  # noqa: T201
    print(f"{len(batches)} batches, the longest {max(b.batch_seconds for b in batches):.1f} s")  # noqa: T201
    assert {kind: progress.state for kind, progress in done.items()} == dict.fromkeys(asked, State.DONE)
    assert done[Kind.LATE].decided == LATE
    assert done[Kind.LATE].portions == LATE // ready.settings.decision_portion
    assert done[Kind.ERASURE].decided == 300
    assert find(ready.client, ready.settings, "gone-sender") == []
    ready.drain()
    [counted] = ready.ask("select count(*) as n from {payment_deliveries}")
    assert counted["n"] == traffic.sent + LATE + SWAPPED + 304
    assert judge(ready.client, ready.settings, None).breaks == []
