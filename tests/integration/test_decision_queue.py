"""Requested decisions on a real broker, Spark and warehouse: carried out in portions, once, by whoever is at work."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from orchestration.scenarios.backfill import _defective
from orchestration.verification.proof import judge
from spark_jobs.corrections.backfill import recomputed
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.decision_queue.asking import decide_by_queue
from spark_jobs.decision_queue.carrying_out import CarryingOut
from spark_jobs.decision_queue.queue_table import ask as write_down
from spark_jobs.decision_queue.queue_table import progress_of
from spark_jobs.decision_queue.request import Kind, Progress, Request, late_arguments
from spark_jobs.driver.run import Run
from spark_jobs.erasure.account_search import find
from spark_jobs.erasure.copies import delete_by_id
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.request_tables import State
from spark_jobs.turns.turn import Turn, by_lock
from spark_jobs.warehouse.client import connect
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

ADMIT = late_arguments(Selection(), Correction.ADMITTED_LATE)
TEST_SECONDS = 120


@pytest.fixture
def late(world: World) -> World:
    """Five payments that came late, to be decided of two at a time."""
    world = replace(world, settings=replace(world.settings, decision_portion=2))
    for name, minutes_ago in (("mover", 60), ("newest", 0)):
        world.send([event(name, minutes_ago)])
        world.drain()
    world.send([event(f"late-{n}", 150, sender_account_id="late-sender") for n in range(5)])
    world.drain()
    return world


def turn_of(world: World) -> Turn:
    return partial(by_lock, world.folder / "turn")


def ask(world: World, kind: Kind, arguments: Mapping[str, Any], message: list[str] | None = None) -> Progress:
    request = Request(kind, arguments, "operator", "asked by finance")
    with connect(world.settings) as client:
        say = message.append if message is not None else lambda _: None
        return decide_by_queue(client, world.settings, request, turn_of(world), say)


def wait_until_asked(world: World) -> None:
    deadline = time.monotonic() + TEST_SECONDS
    while not world.rows(catalog.DECISION_REQUESTS):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ids(world: World) -> set[str]:
    rows = world.rows(catalog.TRANSACTIONS, "transaction_id")
    found = {row["transaction_id"] for row in rows}
    assert len(found) == len(rows)
    return found


def test_what_is_asked_for_while_a_run_is_at_work_is_carried_out_between_its_batches(late: World) -> None:
    epoch, message = late.control().epoch, list[str]()
    with turn_of(late)(lambda: None), ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, late, Kind.LATE, ADMIT, message)
        wait_until_asked(late)
        late.send([event("another")])
        [report] = late.drain()
        done = asked.result(TEST_SECONDS)
    assert (done.state, done.portions, done.decided, done.money) == (State.DONE, 3, 5, {"EUR": (5, 6150)})
    assert message == ["A run is at work: it carries the request out between two batches."]
    assert report.unique == 1
    assert late.control().epoch == epoch + 1, "the run's own"
    assert ids(late) == {"mover", "newest", "another", *(f"late-{n}" for n in range(5))}
    assert judge(late.client, late.settings, None).breaks == []

    # What a decision has put in is known to the next batch.
    late.send([event("late-0"), event("next")])
    [report] = late.drain()
    assert (report.unique, report.duplicate) == (1, 1)
    assert judge(late.client, late.settings, None).breaks == []


@pytest.mark.long
def test_where_no_run_is_at_work_the_command_takes_the_epoch_and_carries_it_out(late: World) -> None:
    before = late.control()
    done = ask(late, Kind.LATE, ADMIT | {"limit": 3})
    assert (done.state, done.portions, done.decided) == (State.DONE, 2, 3)
    assert late.control().epoch == before.epoch + 1
    assert late.control().correction_count == 3
    refused = ask(late, Kind.RESOLVE, {"transaction_id": "mover", "keep": "first"})
    assert (refused.state, refused.decided) == (State.REFUSED, 0)
    assert refused.why_not == "mover is in no conflict: `payments resolve` lists those that are."

    sums = "sum(amount_minor) as minor"
    [whole] = late.rows(catalog.TRANSACTIONS, sums)
    ranges = {partition: (0, end) for partition, end in late.control().end_offsets.items() if end}
    for read in (_defective, None):
        with recomputed(late.client, late.settings, ranges, read) as beside:
            # A run that began has swept the table: it is loaded again.
            late.client.delete_table(beside._table)
            swapped = ask(late, Kind.BACKFILL, beside.arguments())
        assert (swapped.state, swapped.portions, swapped.decided) == (State.DONE, 6, 10)
        [now] = late.rows(catalog.TRANSACTIONS, sums)
        assert (now == whole) is (read is None)
    gone = ask(late, Kind.BACKFILL, beside.arguments())
    assert (gone.state, gone.why_not) == (State.REFUSED, "what was recomputed is gone: ask for the backfill again.")
    assert judge(late.client, late.settings, None).breaks == []

    mart = "`{dataset}.payment_transactions_fraud`"
    late.ask(f"create table {mart} as select transaction_id, event_time from {{payment_transactions}}")
    erased = ask(late, Kind.ERASURE, {"account": "late-sender"})
    assert (erased.state, erased.portions, erased.decided) == (State.DONE, 3, 5)
    assert find(late.client, late.settings, "late-sender") == []
    assert ids(late) == {"mover", "newest"}
    [request] = late.ask("select arguments from {decision_requests} where kind = 'ERASURE'")
    assert request["arguments"] is None, "the account is forgotten"
    assert late.control().erasure_count == 3
    assert delete_by_id(late.client, late.settings, "late-sender") == 3
    assert {row["transaction_id"] for row in late.ask(f"select * from {mart}")} == {"mover", "newest"}
    assert delete_by_id(late.client, late.settings, "nobody") == 0
    assert judge(late.client, late.settings, None).breaks == []


@pytest.mark.long
def test_an_account_is_erased_with_what_batches_bring_of_it_between_two_portions(
    late: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = Request(Kind.ERASURE, {"account": "late-sender"}, "operator", "asked")
    write_down(late.client, late.settings, request)
    # The batch in between is a run's that leaves the queue alone, so that one search goes on over it.
    monkeypatch.setattr(Run, "decide", lambda _: False)
    with CarryingOut(late.settings) as queue:
        assert queue.step(late.control().epoch)
        late.send([event("late-4", 150, sender_account_id="late-sender"), event("late-0", 150)])
        late.send([event("fresh", sender_account_id="late-sender"), event("another")])
        late.drain()
        while queue.step(late.control().epoch):
            pass
    done = progress_of(late.client, late.settings, request.request_id)
    assert (done.state, done.decided) == (State.DONE, 7), "five, one of them twice, and a new one"
    assert find(late.client, late.settings, "late-sender") == []
    assert ids(late) == {"mover", "newest", "another"}
    assert judge(late.client, late.settings, None).breaks == []
