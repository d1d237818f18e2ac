"""The harness can fail: with a guard taken out of the code, a fault does the harm that the guard was there for."""

from contextlib import nullcontext, suppress
from functools import partial

import pytest

from spark_jobs.crash_points import Point
from spark_jobs.driver.run import Run
from spark_jobs.incidents import Incident
from spark_jobs.publishing.batch import Interval
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery import publish_sql as transaction
from spark_jobs.sinks.bigquery import publisher, store
from spark_jobs.sinks.bigquery.already_published import FoundInWarehouse
from spark_jobs.sinks.bigquery.day_spans import DaySpans
from spark_jobs.sinks.bigquery.publish_sql import publish_sql
from tests.faults.exactly_once import assert_exactly_once, send_some
from tests.faults.oracle import Oracle
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

COMPARE_AND_SET = "and end_offsets = @old_offsets"
TRANSACTION = ("begin transaction;", "commit transaction;")


class Killed(Exception):
    """As good as dead: nothing after the point happens."""


@pytest.fixture
def oracle(world: World) -> Oracle:
    """Something is published, and more waits."""
    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    send_some(world, oracle)
    return oracle


def without(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Take words out of the transaction's text."""

    def mutated(
        settings: JobSettings, staging: str, known: FoundInWarehouse, spans: DaySpans, *, searches: bool
    ) -> str:
        sql = publish_sql(settings, staging, known, spans, searches=searches)
        for word in words:
            assert word in sql
            sql = sql.replace(word, "")
        return sql

    monkeypatch.setattr(publisher, "publish_sql", mutated)


def die_after_the_commit(point: Point) -> None:
    if point is Point.COMMIT_ANSWERED:
        raise Killed


@pytest.mark.parametrize("is_guarded", [True, False])
def test_without_its_comparison_of_offsets_a_replayed_batch_is_doubled(
    world: World, oracle: Oracle, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(publisher, "crash_point", die_after_the_commit)
        with pytest.raises(Killed):
            world.drain()
    # Without a backlog there is nothing to start a query for, and the batch is not replayed.
    send_some(world, oracle)
    if is_guarded:
        world.drain()
        assert_exactly_once(world, oracle)
        return
    without(monkeypatch, COMPARE_AND_SET)

    def nothing_is_published(_publisher: publisher.Publisher, _interval: Interval) -> bool:
        return False

    monkeypatch.setattr(publisher.Publisher, "is_published", nothing_is_published)
    monkeypatch.setattr(publisher, "check_batch", lambda *_: None)
    world.drain()
    with pytest.raises(AssertionError):
        assert_exactly_once(world, oracle)


@pytest.mark.parametrize("is_guarded", [True, False])
def test_without_one_transaction_a_fenced_run_leaves_rows_behind(
    world: World, oracle: Oracle, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    if not is_guarded:
        without(monkeypatch, *TRANSACTION)
    new_run = partial(Run, world.spark, world.settings, lambda _: None)
    with new_run() as zombie, new_run() as successor:
        with pytest.raises(Incident, match="FENCED"):
            zombie.drain_once(deadline=float("inf"))
        # The ledger's chain of digests notices that the batch is there twice: a second guard.
        with nullcontext() if is_guarded else suppress(Incident):
            successor.drain_once(deadline=float("inf"))
    if is_guarded:
        assert_exactly_once(world, oracle)
    else:
        with pytest.raises(AssertionError):
            assert_exactly_once(world, oracle)


@pytest.mark.parametrize("is_guarded", [True, False])
def test_without_its_state_rebuilt_a_lost_checkpoint_counts_retries_again(
    world: World, oracle: Oracle, monkeypatch: pytest.MonkeyPatch, is_guarded: bool
) -> None:
    if not is_guarded:
        monkeypatch.setattr(store, "seed_state", lambda *_: 0)
        # Without the watermark the state would not fit the warehouse's, and the run would stop: a second guard.
        monkeypatch.setattr(publisher, "check_batch", lambda *_: None)
        # The transaction takes no payment that is published, were it beyond the window or within: a third.
        monkeypatch.setattr(transaction, "is_new_sql", lambda *_, **__: "s.disposition = 'UNIQUE'")
    world.lose_checkpoint()
    world.drain()
    if is_guarded:
        assert_exactly_once(world, oracle)
    else:
        with pytest.raises(AssertionError):
            assert_exactly_once(world, oracle)
