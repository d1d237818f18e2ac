"""The backlog sensor on real run records: what is most likely wrong is which runs count, and where the tag is."""

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from orchestration import names
from orchestration.automation import backlog_reads, run_records
from orchestration.automation.backlog import FlightRecord, Published
from orchestration.automation.heartbeats import SILENT_SECONDS, Listener, beat
from orchestration.automation.run_records import close_abandoned_runs
from orchestration.automation.standby import STANDBY_AFTER
from orchestration.automation.workers import this_worker
from orchestration.sensors import backlog_sensor, failure_sensor, first_night_sensor
from orchestration.settings import StackSettings, read_stack_settings
from spark_jobs.source.topic import BrokerUnreachable, TopicState

PUBLISHED = Published("topic-1", {0: 10})
TAGS = {names.BACKLOG_TAG: "0:10"}


class FakeBroker:
    def __init__(self, latest: int) -> None:
        self.latest = latest

    def read(self) -> TopicState:
        return TopicState("payment-events", "topic-1", {0: 0}, {0: self.latest})


class DeadBroker:
    def read(self) -> TopicState:
        raise BrokerUnreachable("Kafka at 127.0.0.1:1 did not answer")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})


@pytest.fixture(autouse=True)
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog_reads, "read_published", lambda *_: PUBLISHED)


def tick(
    instance: dg.DagsterInstance, settings: StackSettings, broker: object, cursor: str | None = None
) -> dg.SensorResult:
    resources = {"settings": settings, "broker": broker, "bigquery": None}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        result = backlog_sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def add_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    worker: str | None = None,
    job_name: str = names.PROCESS_JOB,
) -> dg.DagsterRun:
    tags = {**TAGS, **({names.WORKER_TAG: worker} if worker else {})}
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("payments"), "__repository__")
    origin = RemoteJobOrigin(repository, job_name)
    return instance.add_run(dg.DagsterRun(job_name=job_name, status=status, tags=tags, remote_job_origin=origin))


def skip_message(result: dg.SensorResult) -> str:
    assert not result.run_requests
    assert isinstance(result.skip_reason, dg.SkipReason)
    return result.skip_reason.skip_message or ""


def test_a_backlog_requests_one_run_tagged_with_the_offsets_it_starts_from(
    instance: dg.DagsterInstance, settings: StackSettings
) -> None:
    shift = replace(settings, shift_idle_seconds=7, batch_seconds=3)
    [request] = tick(instance, shift, FakeBroker(12)).run_requests or []
    assert request.tags[names.BACKLOG_TAG] == "0:10"
    assert request.run_key == "payment-events/topic-1/0:10/attempt-1"
    config = request.run_config["ops"][names.PUBLISH_OP]["config"]
    assert config == {"idle_seconds": 7, "max_seconds": shift.shift_max_seconds, "batch_seconds": 3}


def test_no_backlog_is_a_skip_in_words(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    assert "everything is published" in skip_message(tick(instance, settings, FakeBroker(10)))


def test_a_failed_offset_read_is_an_error_not_no_data(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    with pytest.raises(BrokerUnreachable, match="did not answer"):
        tick(instance, settings, DeadBroker())


@pytest.mark.parametrize(
    "status",
    [
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
        dg.DagsterRunStatus.CANCELING,
    ],
)
def test_a_run_in_flight_means_skip(
    instance: dg.DagsterInstance, settings: StackSettings, status: dg.DagsterRunStatus
) -> None:
    run = add_run(instance, status)
    assert f"run {run.run_id[:8]} is {status.value}" in skip_message(tick(instance, settings, FakeBroker(12)))


def test_a_run_of_another_job_does_not_hold_the_stream(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    instance.add_run(dg.DagsterRun(job_name=names.BUILD_JOB, status=dg.DagsterRunStatus.STARTED))
    assert len(tick(instance, settings, FakeBroker(12)).run_requests or []) == 1


def test_a_run_that_failed_long_ago_is_tried_again_under_a_new_key(
    instance: dg.DagsterInstance, settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(instance, dg.DagsterRunStatus.FAILURE)
    monkeypatch.setattr("orchestration.automation.backlog.FIRST_BACKOFF_SECONDS", 0)
    [request] = tick(instance, settings, FakeBroker(12)).run_requests or []
    assert request.run_key == "payment-events/topic-1/0:10/attempt-2"


def test_a_run_that_failed_just_now_is_waited_out(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    add_run(instance, dg.DagsterRunStatus.FAILURE)
    assert "the next try is in" in skip_message(tick(instance, settings, FakeBroker(12)))


def test_a_failure_at_other_offsets_counts_for_nothing(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    run = dg.DagsterRun(job_name=names.PROCESS_JOB, status=dg.DagsterRunStatus.FAILURE, tags={names.BACKLOG_TAG: "0:5"})
    instance.add_run(run)
    [request] = tick(instance, settings, FakeBroker(12)).run_requests or []
    assert (request.run_key or "").endswith("/attempt-1")


def test_a_started_run_whose_process_is_dead_is_closed_and_no_longer_holds_the_stream(
    instance: dg.DagsterInstance, settings: StackSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = add_run(instance, dg.DagsterRunStatus.STARTED, worker_that_died(tmp_path))
    monkeypatch.setattr("orchestration.automation.backlog.FIRST_BACKOFF_SECONDS", 0)
    assert len(tick(instance, settings, FakeBroker(12)).run_requests or []) == 1
    closed = instance.get_run_by_id(run.run_id)
    assert closed is not None
    assert closed.status is dg.DagsterRunStatus.FAILURE


def test_a_started_run_whose_process_lives_is_left_alone(
    instance: dg.DagsterInstance, settings: StackSettings, tmp_path: Path
) -> None:
    add_run(instance, dg.DagsterRunStatus.STARTED, this_worker(tmp_path))
    assert "still on it" in skip_message(tick(instance, settings, FakeBroker(12)))


def test_the_lag_is_recorded_once_a_minute_and_with_every_launch(
    instance: dg.DagsterInstance, settings: StackSettings
) -> None:
    first = tick(instance, settings, FakeBroker(10))
    assert [event.asset_key for event in first.asset_events] == [names.PAYMENT_EVENTS]
    second = tick(instance, settings, FakeBroker(10), first.cursor)
    assert second.asset_events == []
    assert second.cursor == first.cursor
    third = tick(instance, settings, FakeBroker(12), second.cursor)
    assert third.asset_events[0].metadata["lag"].value == 2


def test_stopping_the_platform_closes_what_it_left_running_but_not_what_a_person_has_queued(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    started = add_run(instance, dg.DagsterRunStatus.STARTED)
    queued = add_run(instance, dg.DagsterRunStatus.QUEUED, job_name=names.BACKFILL_JOB)
    own = add_run(instance, dg.DagsterRunStatus.STARTED, this_worker(tmp_path))
    close_abandoned_runs(instance)
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses[started.run_id] is dg.DagsterRunStatus.FAILURE
    assert statuses[queued.run_id] is dg.DagsterRunStatus.QUEUED
    assert statuses[own.run_id] is dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize("job_name", [names.PROCESS_JOB, names.BUILD_JOB])
def test_a_run_that_a_sensor_asks_for_anew_is_not_left_queued_where_nobody_would_start_it(
    instance: dg.DagsterInstance, job_name: str
) -> None:
    add_run(instance, dg.DagsterRunStatus.QUEUED, job_name=job_name)
    close_abandoned_runs(instance)
    assert run_records.runs_in_flight(instance, job_name) == []


def worker_that_died(folder: Path) -> str:
    code = "import sys; from pathlib import Path; from orchestration.automation.workers import this_worker; "
    command = [sys.executable, "-c", code + "print(this_worker(Path(sys.argv[1])))", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When somebody looked, by the listener's own clock: the last entry is the time."""
    now = [0.0]
    monkeypatch.setattr(run_records, "_listener", Listener(lambda: now[-1]))
    return now


ELSEWHERE = f"{socket.gethostname()}|1|/nowhere/to/be/seen/from/here.lock"
"""On another machine that is called as this one is, with a pid that is somebody else's here."""


def look(instance: dg.DagsterInstance, looks: list[float], seconds: float) -> list[str]:
    """Runs in flight, as a look each five seconds for so long finds them."""
    for _ in range(int(seconds / 5)):
        looks.append(looks[-1] + 5)
        found = [flight.run_id for flight in run_records.runs_in_flight(instance, names.PROCESS_JOB)]
    return found


def test_a_run_on_another_machine_whose_heart_beats_is_left_alone_and_one_that_is_silent_is_closed(
    instance: dg.DagsterInstance, looks: list[float]
) -> None:
    alive, dead = (add_run(instance, dg.DagsterRunStatus.STARTED, ELSEWHERE).run_id for _ in range(2))
    beat(instance, dead)
    for _ in range(3):
        beat(instance, alive)
        assert look(instance, looks, SILENT_SECONDS / 3) == [alive, dead]
    beat(instance, alive)
    assert look(instance, looks, 10) == [alive]
    closed = instance.get_run_by_id(dead)
    assert closed is not None
    assert closed.status is dg.DagsterRunStatus.FAILURE


def test_a_run_on_another_machine_that_has_no_heartbeat_is_never_closed_by_its_hostname_or_pid(
    instance: dg.DagsterInstance, looks: list[float]
) -> None:
    run = add_run(instance, dg.DagsterRunStatus.STARTED, ELSEWHERE)
    assert look(instance, looks, 10 * SILENT_SECONDS) == [run.run_id]


def test_a_living_process_that_is_to_be_seen_needs_no_heartbeat(
    instance: dg.DagsterInstance, looks: list[float], tmp_path: Path
) -> None:
    run = add_run(instance, dg.DagsterRunStatus.STARTED, this_worker(tmp_path))
    beat(instance, run.run_id)
    assert look(instance, looks, 10 * SILENT_SECONDS) == [run.run_id]


def test_a_run_that_goes_on_gets_one_that_stands_by_unless_that_is_off(
    instance: dg.DagsterInstance, settings: StackSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work = FlightRecord("at-work", "STARTED", datetime.now(UTC) - STANDBY_AFTER)
    monkeypatch.setattr(backlog_reads, "runs_in_flight", lambda *_: [at_work])
    [request] = tick(instance, settings, FakeBroker(12)).run_requests or []
    assert request.tags == {names.STANDS_BY_TAG: "at-work"}
    [again] = tick(instance, settings, FakeBroker(12)).run_requests or []
    assert again.run_key == request.run_key, "a tick that is repeated starts nothing twice"
    assert "is STARTED" in skip_message(tick(instance, replace(settings, has_standby=False), FakeBroker(12)))


def test_a_tick_that_fires_twice_asks_for_the_same_run(instance: dg.DagsterInstance, settings: StackSettings) -> None:
    [first] = tick(instance, settings, FakeBroker(12)).run_requests or []
    [second] = tick(instance, settings, FakeBroker(12)).run_requests or []
    assert first.run_key == second.run_key


def test_a_failed_run_is_told_with_its_cause(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @dg.op
    def publishes() -> None:
        raise OSError("the broker is away")

    @dg.job
    def drain() -> None:
        publishes()

    result = drain.execute_in_process(instance=instance, raise_on_error=False)
    monkeypatch.setattr(dg.RunFailureSensorContext, "log", logging.getLogger("a sensor's"))
    failure_sensor(
        dg.build_run_status_sensor_context(
            sensor_name="failure_sensor",
            dagster_instance=instance,
            dagster_run=result.dagster_run,
            dagster_event=result.get_run_failure_event(),
        ).for_run_failure()
    )
    assert f"run {result.run_id[:8]} of drain failed: OSError: the broker is away" in caplog.messages


@pytest.mark.parametrize("job_name", names.FIRST_NIGHTS)
def test_a_job_of_the_night_runs_once_after_the_first_build_and_then_by_its_schedule(
    instance: dg.DagsterInstance, job_name: str
) -> None:
    sensor = first_night_sensor(job_name)

    def asked() -> Any:
        return sensor(dg.build_sensor_context(instance=instance))

    assert isinstance(asked(), dg.SkipReason)
    built = instance.add_run(dg.DagsterRun(job_name=names.BUILD_JOB, status=dg.DagsterRunStatus.STARTED))
    assert isinstance(asked(), dg.SkipReason)
    instance.report_run_failed(built)
    assert isinstance(asked(), dg.RunRequest), "its checks look also at what a red build made"
    instance.add_run(dg.DagsterRun(job_name=job_name, status=dg.DagsterRunStatus.STARTED))
    assert isinstance(asked(), dg.SkipReason)
