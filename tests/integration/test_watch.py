"""Health while nothing comes, on a real broker, warehouse and Dagster: each thing that dies turns its row and the check
red, and green again once it lives.

Due times are made a second long for what is to be red, and an hour for all else.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.sensor import execute_sensor_iteration

from local_stack.kafka import Broker
from local_stack.processes import free_port
from orchestration import names
from orchestration.platform.dagster_home import open_instance
from orchestration.resources.bigquery import PaymentsBigQueryResource
from orchestration.resources.broker import BrokerReader
from orchestration.schedules import watch_schedule
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.verification.warehouse_reads import WarehouseReads
from orchestration.watch import rules
from orchestration.watch.look import newest_build
from orchestration.watch.table import forget_observations
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.warehouse.table_setup import ensure_tables
from tests.faults.sensor_tick import InProcess
from tests.integration.command import wait_for
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

CHECK = names.HEALTH_CHECK
HOUR = 3600


@dataclass
class Watched:
    """A pipeline and Dagster's own instance, looked at by the schedule's own function."""

    world: World
    instance: dg.DagsterInstance
    settings: StackSettings

    def tick(self, *, warehouse: str | None = None, **due_seconds: Any) -> dict[str, Any]:
        """One tick of the schedule; what the check's own record then says."""
        changed: dict[str, Any] = {f"{name}_due_seconds": HOUR for name in ("publication", "build", "silence")}
        settings = replace(self.settings, **changed | {f"{name}_due_seconds": n for name, n in due_seconds.items()})
        job = replace(settings.job, emulator_host=warehouse or settings.job.emulator_host)
        resources = {
            "settings": replace(settings, job=job),
            "broker": BrokerReader(job.bootstrap_servers, job.topic),
            "bigquery": PaymentsBigQueryResource.from_job_settings(job),
        }
        with dg.build_schedule_context(instance=self.instance, resources=resources) as context:
            watch_schedule(context)
        return self.recorded()

    def recorded(self) -> dict[str, Any]:
        """The newest evaluation of the check that Dagster holds."""
        found = self.instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK])[CHECK].event
        assert found is not None
        assert found.dagster_event is not None
        evaluation = found.dagster_event.asset_check_evaluation_data
        return {
            "passed": evaluation.passed,
            "severity": evaluation.severity,
            "words": str(evaluation.metadata["not_healthy"].value),
        }

    def is_red(self, metric: str, **due_seconds: Any) -> bool:
        """Whether a tick turns the check red, and names this metric."""
        found = self.tick(**due_seconds)
        is_error = not found["passed"] and found["severity"] is dg.AssetCheckSeverity.ERROR
        return is_error and metric in found["words"]

    def is_green(self, **due_seconds: Any) -> bool:
        return bool(self.tick(**due_seconds)["passed"])

    def row(self, metric: str) -> dict[str, Any]:
        """A row of the view as it is read now, by whoever."""
        rows = WarehouseReads(self.world.client, self.world.settings).health_rows()
        return next(row for row in rows if row["metric"] == metric)

    def publish(self) -> None:
        """The stream's work, put on record in Dagster as its own run does."""

        def record(batch: BatchReport) -> None:
            made = dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": batch.batch_id})
            self.instance.report_runless_asset_event(made)

        self.world.drain(on_batch=record)

    @contextmanager
    def sensors(self) -> Iterator[Callable[[], None]]:
        """One iteration of Dagster's own sensor daemon, to be called again and again."""
        with warnings.catch_warnings():
            # Dagster warns of itself while it loads the code location.
            warnings.simplefilter("ignore", DeprecationWarning)
            with WorkspaceProcessContext(self.instance, InProcess()) as context:

                def iterate() -> None:
                    for _ in execute_sensor_iteration(context, logging.getLogger(), None, None):
                        pass

                yield iterate


@pytest.fixture
def watched(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    ensure_tables(world.client, world.settings)
    for name, value in (world.settings.environment() | {"PAYMENTS_HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    settings = read_stack_settings()
    with open_instance(settings) as instance:
        yield Watched(world, instance, settings)


def build_marts(settings: StackSettings) -> str | None:
    """A build of dbt's models as `payments build` makes it; why it failed for more than a check."""
    with warnings.catch_warnings():
        # Dagster-dbt and a parser that it depends on warn of themselves.
        warnings.simplefilter("ignore", DeprecationWarning)
        from orchestration.platform.job_runs import build_warehouse

        return build_warehouse(settings, lambda _: None).error


@contextmanager
def stopped(broker: Broker) -> Iterator[None]:
    broker.stop()
    try:
        yield
    finally:
        broker.start()


def test_a_pipeline_at_rest_is_green_and_each_thing_that_dies_is_red_until_it_lives(
    watched: Watched, home: Path
) -> None:
    world = watched.world
    assert watched.is_green(), "at the first look, of an empty topic"
    assert watched.is_green(publication=1, build=1), "at rest nothing is due"

    # Published and never built: before the first build the table alone tells.
    world.send([event("11111111-2222-4333-8444-555555555555")])
    watched.publish()
    wait_for("a build that is overdue", lambda: watched.is_red(rules.BUILD, build=1))
    assert build_marts(watched.settings) is None
    assert watched.is_green(build=1, publication=1)
    assert watched.row(rules.BUILD)["status"] == "HEALTHY"
    assert watched.row("checkpoint_lag_seconds")["value"] == 0

    # A record waits, and no stream is there to publish it.
    world.send([event("11111111-2222-4333-8444-666666666666")])
    assert watched.is_green(), "it may wait for a while"
    wait_for("a dead stream", lambda: watched.is_red(rules.PUBLICATION, publication=1))
    assert watched.row(rules.PUBLICATION)["status"] == "FAILING"
    watched.publish()
    assert watched.is_green(publication=1)
    wait_for("the next build that is overdue", lambda: watched.is_red(rules.BUILD, build=1))
    assert watched.row(rules.BUILD)["status"] == "FAILING"

    # Sensors that tick, and then do not.
    with watched.sensors() as iterate:

        def is_ticking() -> bool:
            iterate()
            return watched.is_green(silence=20)

        wait_for("sensors that tick", is_ticking)
        wait_for("a sensor that is overdue", lambda: watched.is_red(rules.SENSOR, silence=1))
        assert watched.row(rules.SENSOR)["status"] == "FAILING"
        wait_for("sensors that tick again", is_ticking)

    with stopped(Broker(home, world.settings.bootstrap_servers)):
        wait_for("a broker that is away", lambda: watched.is_red(rules.BROKER, silence=1))
        assert watched.row(rules.BROKER)["status"] == "FAILING"
    wait_for("a broker that is back", watched.is_green)

    away = watched.tick(warehouse=f"http://127.0.0.1:{free_port('127.0.0.1')}")
    assert away["severity"] is dg.AssetCheckSeverity.ERROR
    assert "the warehouse does not answer" in away["words"]
    assert watched.is_green()

    # Nobody looks any more: no tick comes, and whoever reads the view is told all the same.
    world.ask(
        "update {pipeline_observations} set due_at = timestamp_sub(current_timestamp(), interval 9 second)"
        " where metric = 'observation_overdue_seconds'"
    )
    assert watched.row(rules.WATCH)["status"] == "FAILING"
    assert watched.is_green(), "the watch is back, and every due time has begun anew"
    forget_observations(world.client, world.settings)
    assert watched.row(rules.WATCH)["status"] == "UNWATCHED"


def test_a_builds_freshness_is_what_the_ledger_and_its_record_say(watched: Watched) -> None:
    world = watched.world
    world.send([event("21111111-2222-4333-8444-555555555555")])
    watched.publish()
    watched.tick()
    # As if the watch had gone on for an hour: what a cold start publishes does not count.
    world.ask("update {pipeline_observations} set since = timestamp_sub(since, interval 1 hour) where true")
    build_marts(watched.settings)
    watched.tick()
    build = newest_build(watched.instance)
    assert build is not None
    [batch] = world.ask("select latency_p95_seconds, published_at from {batch_ledger}")
    to_end = timedelta(seconds=batch["latency_p95_seconds"]) + build.ended_at - batch["published_at"]
    shown = {metric: int(watched.row(metric)["value"]) for metric in (rules.FRAUD_SCORE, rules.RECONCILIATION)}
    assert shown[rules.RECONCILIATION] == -(-to_end // timedelta(seconds=1))
    scored_sooner = round((build.ended_at - build.scored_at).total_seconds())
    assert shown[rules.FRAUD_SCORE] == shown[rules.RECONCILIATION] - scored_sooner
    assert scored_sooner > 0
