"""Transactions that meet are refused as BigQuery refuses them: that is waited out, and no batch fails for it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

import pytest

from orchestration.verification.proof import judge
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.decision_queue.asking import decide_by_queue
from spark_jobs.decision_queue.request import Kind, Request, late_arguments
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import table_id
from spark_jobs.turns.turn import by_lock
from spark_jobs.warehouse import retries
from spark_jobs.warehouse.client import connect
from tests.faults.concurrency import Concurrency, changed_tables, is_transaction
from tests.faults.proxy import Proxy, misbehaving
from tests.world import World, event

TEST_SECONDS = 120


def test_a_script_changes_what_it_updates_deletes_from_or_merges_into_and_appends_to_the_rest() -> None:
    sql = """begin transaction; update `p.d.control` set a = 1 where true; insert into `p.d.rows` select 1;
        delete from `p.d.payments` as t where true; merge `p.d.marks` as m using a on true; commit transaction;"""
    assert changed_tables(sql) == {"p:d.control", "p:d.payments", "p:d.marks"}
    assert is_transaction(sql)
    assert is_transaction(f"declare n int64; {sql}")
    assert not is_transaction("update `p.d.control` set a = 1 where true")


def test_of_two_transactions_the_later_is_cancelled_and_a_statement_alone_waits() -> None:
    transaction = "begin transaction; update `p.d.control` set a = 1 where true; commit transaction;"
    warehouse = Concurrency()
    with warehouse.changing(transaction) as first:
        assert first is None
        with warehouse.changing(transaction) as second:
            assert second == "p:d.control"
        with warehouse.changing("insert into `p.d.control` values (1)") as appended:
            assert appended is None
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(warehouse.changing("update `p.d.control` set a = 2 where true").__enter__)
            assert not waiting.done()
            warehouse._held.clear()
            with warehouse._changed:
                warehouse._changed.notify_all()
            assert waiting.result(TEST_SECONDS) is None
    assert warehouse.cancelled == ["p:d.control"]


@pytest.fixture
def proxy(world: World) -> Iterator[Proxy]:
    with misbehaving(world.settings.emulator_host or "") as proxy:
        proxy.concurrency = Concurrency(seconds_a_statement=0.02)
        yield proxy


@pytest.fixture
def late(world: World) -> World:
    """Five payments that came late."""
    for name, minutes_ago in (("mover", 60), ("newest", 0)):
        world.send([event(name, minutes_ago)])
        world.drain()
    world.send([event(f"late-{n}", 150) for n in range(5)])
    world.drain()
    return world


def others_transaction(world: World) -> str:
    control = table_id(world.settings, catalog.CONTROL)
    return f"begin transaction; update `{control}` set epoch = epoch where true; commit transaction;"


def control_of(world: World) -> str:
    """As BigQuery names the control row's table."""
    return table_id(world.settings, catalog.CONTROL).replace(".", ":", 1)


@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.long
def test_a_batch_that_meets_anothers_transaction_waits_for_it_and_fails_not_once(world: World, proxy: Proxy) -> None:
    concurrency = proxy.concurrency
    assert concurrency
    with ThreadPoolExecutor() as pool, ExitStack() as others:

        def go_away() -> None:
            concurrency.wait_until_cancelled(2)
            others.close()

        def meet(report: BatchReport) -> None:
            if report.batch_id == 1:
                others.enter_context(concurrency.changing(others_transaction(world)))
                world.send([event("second")])
                pool.submit(go_away)

        world.send([event("first")])
        first, second = world.drain(meet, emulator_host=proxy.address)
    assert (first.unique, second.unique) == (1, 1)
    assert concurrency.cancelled == [control_of(world)] * 2
    assert proxy.asked("POST", "_again1") == 1, "under another id, and none of its attempts is used up"
    assert judge(world.client, world.settings, None).breaks == []


@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.long
def test_a_table_that_others_change_without_end_is_named_in_one_line(
    world: World, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    concurrency = proxy.concurrency
    assert concurrency
    monkeypatch.setattr(retries, "PATIENCE_SECONDS", 1.0)
    message = f"others kept changing {control_of(world)}: the warehouse refused"
    with ExitStack() as others:

        def meet(_report: BatchReport) -> None:
            others.enter_context(concurrency.changing(others_transaction(world)))
            world.send([event("second")])

        world.send([event("first")])
        with pytest.raises(Incident, match=re.escape(message)) as ended:
            world.drain(meet, emulator_host=proxy.address)
    assert ended.value.kind is IncidentKind.WAREHOUSE_FAILED
    assert "\n" not in str(ended.value)
    assert world.control().last_batch_id == 1
    [report] = world.drain(emulator_host=proxy.address)
    assert report.unique == 1


@pytest.mark.integration
@pytest.mark.thorough
@pytest.mark.long
def test_a_decision_by_the_queue_meets_no_batch_and_one_beside_it_is_waited_out(late: World, proxy: Proxy) -> None:
    concurrency = proxy.concurrency
    assert concurrency
    through = replace(late.settings, emulator_host=proxy.address, decision_portion=1)
    turn = partial(by_lock, late.folder / "turn")
    request = Request(
        Kind.LATE, late_arguments(Selection(limit=3), Correction.ADMITTED_LATE), "operator", "asked by finance"
    )
    with turn(lambda: None), ThreadPoolExecutor() as pool, connect(through) as client:
        asked = pool.submit(decide_by_queue, client, through, request, turn)
        reports = []
        for n in range(3):
            late.send([event(f"fresh-{n}")])
            reports += late.drain(emulator_host=proxy.address, decision_portion=1)
        while not asked.done():
            reports += late.drain(emulator_host=proxy.address, decision_portion=1)
        assert asked.result().decided == 3
    assert sum(report.unique for report in reports) == 3
    assert concurrency.cancelled == [], "the run at work is one: its decisions meet none of its batches"

    # Beside it, as before there was a queue: its transaction meets the batches', and neither fails.
    late.send([event(f"beside-{n}") for n in range(3)])
    with connect(through) as client, ThreadPoolExecutor() as pool:
        drained = pool.submit(late.drain, emulator_host=proxy.address)
        who = {"decided_by": "operator", "reason": "asked"}
        rest = decide_late(client, through, Selection(), Correction.ADMITTED_LATE, **who)
        assert sum(report.unique for report in drained.result(TEST_SECONDS)) == 3
    assert len(rest) == 2
    assert judge(late.client, late.settings, None).breaks == []
