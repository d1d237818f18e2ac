"""The rule for building dbt's models, and the read of Dagster's records that it rests on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestration import names
from orchestration.automation import dbt_rebuild
from orchestration.automation.backlog import FlightRecord, Published
from orchestration.automation.dbt_rebuild import (
    WARM_UP,
    RebuildState,
    decide_rebuild,
    read_rebuild_state,
    scores_every,
    seconds_between,
)

DUE = 540
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT_WORK = FlightRecord("at-work", "STARTED", NOW - timedelta(minutes=5))
WARMING_UP = FlightRecord("standby0123", "STARTED", NOW - WARM_UP + timedelta(seconds=1))
NEW = RebuildState(
    newest_batch=7, built_batch=5, attempts=0, in_flight_run_id=None, last_started_at=None, stream=(AT_WORK,)
)


IDLE = replace(NEW, built_batch=7, decisions=3, built_decisions=3, stream=())


def nothing() -> None:
    """Before the first run."""


def not_asked() -> Published:
    raise AssertionError("a query that nothing needs")


def reached(batch: int, decisions: int) -> Callable[[], Published]:
    """What the control row says."""
    return lambda: Published("topic-1", {0: 10}, batch, decisions)


def test_a_decision_on_an_idle_topic_is_built() -> None:
    assert decide_rebuild(IDLE, 60, DUE, NOW).reason == "nothing new since batch 7 and decision 3"
    decided = replace(IDLE, decisions=4, attempts=1)
    assert decide_rebuild(decided, 60, DUE, NOW).run_key == "batch-7/decision-4/attempt-2"
    assert decided.tags == {names.BUILT_BATCH_TAG: "7", names.BUILT_DECISIONS_TAG: "4"}
    assert "3 builds after decision 4 failed" in decide_rebuild(replace(decided, attempts=3), 60, DUE, NOW).reason


def test_once_after_the_last_batch_scores_are_built_that_no_build_has_made_yet() -> None:
    waiting = replace(IDLE, scores_due_at=NOW + timedelta(seconds=1))
    assert "nothing new" in decide_rebuild(waiting, 60, DUE, NOW).reason
    due = replace(IDLE, scores_due_at=NOW)
    decision = decide_rebuild(due, 60, DUE, NOW)
    assert (decision.run_key, decision.reason) == ("batch-7/scores/attempt-1", "fraud scores of batch 7 are due")
    assert due.tags == IDLE.tags | {names.BUILT_SCORES_TAG: "all"}
    # A batch, and a decision, are built as ever.
    newer = replace(due, newest_batch=8)
    assert (decide_rebuild(newer, 60, DUE, NOW).run_key, newer.tags) == (
        "batch-8/attempt-1",
        {names.BUILT_BATCH_TAG: "8"},
    )
    assert decide_rebuild(replace(due, decisions=4), 60, DUE, NOW).run_key == "batch-7/decision-4/attempt-1"
    assert "3 builds after batch 7 failed" in decide_rebuild(replace(due, attempts=3), 60, DUE, NOW).reason


def test_scores_are_due_as_often_as_the_project_says_after_a_batch_and_not_once_a_build_has_begun_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert scores_every() == timedelta(hours=1)
    with dg.DagsterInstance.ephemeral() as instance:
        event = dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": 7})
        instance.report_runless_asset_event(event)
        assert read_rebuild_state(instance, reached(7, 0)).scores_due_at is None
        built(instance, dg.DagsterRunStatus.SUCCESS, 7, 0)
        due_at = read_rebuild_state(instance, reached(7, 0)).scores_due_at
        assert due_at
        assert abs(due_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
        # The build began more than a microsecond after the batch: it has made them.
        for every in (timedelta(microseconds=1), timedelta(0)):
            monkeypatch.setattr(dbt_rebuild, "scores_every", lambda every=every: every)
            assert read_rebuild_state(instance, reached(7, 0)).scores_due_at is None


def built(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, batch: int, decisions: int) -> None:
    tags = {names.BUILT_BATCH_TAG: str(batch), names.BUILT_DECISIONS_TAG: str(decisions)}
    instance.add_run(dg.DagsterRun(job_name=names.BUILD_JOB, status=status, tags=tags))


def test_a_batch_of_a_smaller_number_is_new_where_the_dataset_was_restored() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for batch_id in (200, 151):
            event = dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": batch_id})
            instance.report_runless_asset_event(event)
        built(instance, dg.DagsterRunStatus.SUCCESS, 200, 3)
        state = read_rebuild_state(instance, not_asked)
    assert decide_rebuild(replace(state, last_started_at=None), 60, DUE, NOW).run_key == "batch-151/attempt-1"
    assert state.tags == {names.BUILT_BATCH_TAG: "151"}


def test_where_no_batch_is_on_record_any_more_the_control_row_is_believed() -> None:
    """Records of an idle topic's batches are deleted after some days."""
    with dg.DagsterInstance.ephemeral() as instance:
        built(instance, dg.DagsterRunStatus.SUCCESS, 200, 3)
        at_rest = read_rebuild_state(instance, reached(200, 3))
        decided = read_rebuild_state(instance, reached(200, 4))
    assert "nothing new" in decide_rebuild(at_rest, 60, DUE, NOW).reason
    assert decided.tags == {names.BUILT_BATCH_TAG: "200", names.BUILT_DECISIONS_TAG: "4"}


def test_a_dagster_without_a_past_builds_what_the_dataset_has() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        state = read_rebuild_state(instance, reached(200, 3))
    assert decide_rebuild(state, 60, DUE, NOW).run_key == "batch-200/attempt-1"


def test_a_dataset_that_was_restored_has_its_marts_and_is_not_built_again_and_again() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": 200}))
        built(instance, dg.DagsterRunStatus.SUCCESS, 200, 3)
        state = read_rebuild_state(instance, reached(150, 2))
    assert "nothing new" in decide_rebuild(state, 60, DUE, NOW).reason


def test_builds_that_failed_count_for_their_decision_and_not_for_the_next() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": 7}))
        built(instance, dg.DagsterRunStatus.SUCCESS, 7, 3)
        for _ in range(3):
            built(instance, dg.DagsterRunStatus.FAILURE, 7, 4)
        failed = read_rebuild_state(instance, reached(7, 4))
        after = read_rebuild_state(instance, reached(7, 5))
    assert (failed.decisions, failed.built_decisions, failed.attempts) == (4, 3, 3)
    assert (after.decisions, after.attempts) == (5, 0)


def test_the_warehouse_is_asked_for_decisions_only_where_no_batch_is_new_and_no_build_goes_on() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": 7}))
        built(instance, dg.DagsterRunStatus.SUCCESS, 6, 3)
        assert read_rebuild_state(instance, not_asked).tags == {names.BUILT_BATCH_TAG: "7"}
        built(instance, dg.DagsterRunStatus.SUCCESS, 7, 3)
        assert read_rebuild_state(instance, reached(7, 9)).decisions == 9
        built(instance, dg.DagsterRunStatus.STARTED, 7, 9)
        assert read_rebuild_state(instance, not_asked).in_flight_run_id


def test_a_new_batch_is_built() -> None:
    assert decide_rebuild(NEW, 60, DUE, NOW).run_key == "batch-7/attempt-1"


def test_a_failed_build_is_tried_again_under_another_key() -> None:
    assert decide_rebuild(replace(NEW, attempts=1), 60, DUE, NOW).run_key == "batch-7/attempt-2"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        pytest.param(replace(NEW, built_batch=7), "nothing new", id="already built"),
        pytest.param(replace(NEW, in_flight_run_id="abcdef0123"), "abcdef01 is still building", id="in flight"),
        pytest.param(replace(NEW, attempts=3), "waiting for the next", id="failed too often"),
        pytest.param(replace(NEW, last_started_at=NOW - timedelta(seconds=59)), "59 s ago", id="too soon"),
        pytest.param(
            replace(NEW, last_started_at=NOW - timedelta(seconds=119), last_seconds=30),
            "one is due every 120 s",
            id="too soon after one that took long",
        ),
        pytest.param(
            replace(NEW, stream=(AT_WORK, FlightRecord("standby0123", "QUEUED"))),
            "standby0 is warming up",
            id="beside a session's start",
        ),
        pytest.param(
            replace(NEW, stream=(AT_WORK, WARMING_UP)),
            "standby0 is warming up",
            id="beside a session that warms up",
        ),
    ],
)
def test_no_build_has_its_reason_in_words(state: RebuildState, words: str) -> None:
    decision = decide_rebuild(state, 60, DUE, NOW)
    assert decision.run_key is None
    assert words in decision.reason


def test_a_build_that_took_long_is_followed_once_it_was_a_quarter_of_the_time() -> None:
    state = replace(NEW, last_started_at=NOW - timedelta(seconds=120), last_seconds=30)
    assert decide_rebuild(state, 60, DUE, NOW).run_key == "batch-7/attempt-1"


def test_once_the_stream_is_at_rest_a_build_that_took_long_is_followed_by_the_next() -> None:
    state = replace(NEW, last_started_at=NOW - timedelta(seconds=60), last_seconds=30, stream=())
    assert decide_rebuild(state, 60, DUE, NOW).run_key == "batch-7/attempt-1"


@pytest.mark.parametrize("last_seconds", [1, 20, 60, 98, 150, 191, 216, 240])
def test_a_payment_published_as_a_build_begins_is_in_the_marts_by_its_due_time(last_seconds: int) -> None:
    between = seconds_between(replace(NEW, last_seconds=last_seconds), 60, DUE)
    assert between + last_seconds <= DUE
    assert between >= 60


def test_a_build_that_leaves_no_room_for_another_is_followed_after_the_interval() -> None:
    assert seconds_between(replace(NEW, last_seconds=400), 60, DUE) == 60


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param((FlightRecord("first", "STARTED", NOW),), id="a run that publishes from its start"),
        pytest.param((AT_WORK, FlightRecord("standby", "STARTED", NOW - WARM_UP)), id="one that is warm by now"),
    ],
)
def test_no_build_waits_for_a_run_that_does_not_warm_up_to_stand_by(stream: tuple[FlightRecord, ...]) -> None:
    assert decide_rebuild(replace(NEW, stream=stream), 60, DUE, NOW).run_key == "batch-7/attempt-1"


def test_a_run_of_the_stream_in_flight_is_seen() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert not read_rebuild_state(instance, nothing).stream
        instance.add_run(dg.DagsterRun(job_name=names.PROCESS_JOB, status=dg.DagsterRunStatus.STARTED))
        assert [run.status for run in read_rebuild_state(instance, nothing).stream] == ["STARTED"]


def test_how_long_a_build_took_is_read_from_its_record() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run = instance.add_run(dg.DagsterRun(job_name=names.BUILD_JOB, status=dg.DagsterRunStatus.NOT_STARTED))
        for kind in (dg.DagsterEventType.RUN_START, dg.DagsterEventType.RUN_SUCCESS):
            instance.report_dagster_event(dg.DagsterEvent(kind.value, names.BUILD_JOB), run.run_id)
        state = read_rebuild_state(instance, nothing)
        [record] = instance.get_run_records()
    assert record.start_time
    assert record.end_time
    assert state.last_seconds == record.end_time - record.start_time


def test_the_state_is_read_from_materializations_and_run_records() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for batch_id in (1, 2):
            instance.report_runless_asset_event(
                dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": batch_id})
            )
        instance.report_runless_asset_event(dg.AssetMaterialization(names.DELIVERIES, metadata={"run_batches": 2}))
        instance.add_run(
            dg.DagsterRun(
                job_name=names.BUILD_JOB, status=dg.DagsterRunStatus.SUCCESS, tags={names.BUILT_BATCH_TAG: "1"}
            )
        )
        instance.add_run(
            dg.DagsterRun(
                job_name=names.BUILD_JOB, status=dg.DagsterRunStatus.FAILURE, tags={names.BUILT_BATCH_TAG: "2"}
            )
        )
        state = read_rebuild_state(instance, nothing)
    assert (state.newest_batch, state.built_batch, state.attempts, state.in_flight_run_id) == (2, 1, 1, None)
    assert state.last_started_at is not None
    assert abs(datetime.now(UTC) - state.last_started_at) < timedelta(minutes=1)
