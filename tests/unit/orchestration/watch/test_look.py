"""One look: what it reads in which order, and that whatever keeps it from reading is a verdict."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
from google.api_core.exceptions import NotFound
from google.auth.exceptions import DefaultCredentialsError

from orchestration import names
from orchestration.asset_checks import delta_agrees_with_the_warehouse, newest_batch_conserves_records
from orchestration.assets.sealed_days import sealed_days_are_as_they_were_sealed
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.watch import look as watch
from orchestration.watch.rules import LAG, PUBLICATION, Observation
from orchestration.watch.verdict import Verdict
from spark_jobs.publishing.control import Control
from spark_jobs.source.open_transactions import OpenTransaction
from spark_jobs.source.topic import TopicState
from spark_jobs.warehouse import control_row
from tests.unit.spark_jobs.batches import CONTROL


@dataclass
class Moving:
    """A pipeline that publishes a record whenever somebody has asked: broker, warehouse and the watch's own table."""

    end: int = 10
    written: list[Observation] = field(default_factory=list)
    refuses: Exception | None = None

    @contextmanager
    def get_client(self, _work: object) -> Iterator[object]:
        if self.refuses and not isinstance(self.refuses, NotFound):
            raise self.refuses
        yield self

    def probe(self, *_: object) -> None:
        if self.refuses:
            raise self.refuses

    def read_with_transactions(self) -> tuple[TopicState, list[OpenTransaction]]:
        self.end += 1
        return TopicState("payment-events", CONTROL.topic_id, {0: 0}, {0: self.end - 1}), []

    def read_control(self, *_: object) -> Control:
        self.end += 1
        return replace(CONTROL, end_offsets={0: self.end - 1})


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Moving, dg.DagsterInstance], Verdict]:
    settings: StackSettings = read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})

    def look(moving: Moving, instance: dg.DagsterInstance) -> Verdict:
        monkeypatch.setattr(watch, "probe", moving.probe)
        monkeypatch.setattr(watch, "read_observations", lambda *_: [])
        monkeypatch.setattr(watch, "write_observations", lambda _client, _job, rows: moving.written.extend(rows))
        monkeypatch.setattr(watch, "health_rows", lambda *_: [])
        monkeypatch.setattr(watch, "keep", lambda *_: None)
        monkeypatch.setattr(watch, "sensors_seen", lambda _: [])
        monkeypatch.setattr(control_row, "read_control", moving.read_control)
        return watch.look(settings, cast("Any", moving), cast("Any", moving), instance)

    return look


type Look = Callable[[Moving, dg.DagsterInstance], Verdict]


def test_what_is_published_while_the_watch_looks_is_no_topic_that_was_replaced(looked: Look) -> None:
    moving = Moving()
    with dg.DagsterInstance.ephemeral() as instance:
        assert looked(moving, instance).passed
    details = {row.metric: row.detail for row in moving.written}
    assert details[PUBLICATION].startswith("1 records wait after")
    assert details[LAG] == details[PUBLICATION]


def test_a_warehouse_that_lets_nobody_in_is_a_verdict(looked: Look) -> None:
    refused = Moving(refuses=DefaultCredentialsError("no credentials"))  # type: ignore[no-untyped-call]
    with dg.DagsterInstance.ephemeral() as instance:
        verdict = looked(refused, instance)
    assert verdict.severity is dg.AssetCheckSeverity.ERROR
    assert verdict.words == ("FAILING: the warehouse does not answer: no credentials",)


def test_before_the_first_run_there_is_no_dataset_and_after_it_that_is_a_loss(looked: Look) -> None:
    missing = Moving(refuses=NotFound("Dataset p:payment_data"))  # type: ignore[no-untyped-call]
    with dg.DagsterInstance.ephemeral() as instance:
        assert looked(missing, instance).severity is dg.AssetCheckSeverity.WARN
        instance.report_runless_asset_event(dg.AssetMaterialization(names.DELIVERIES, metadata={"batch_id": 1}))
        assert looked(missing, instance).severity is dg.AssetCheckSeverity.ERROR


def test_a_red_check_of_which_no_run_fails_is_seen_until_it_is_made_again() -> None:
    [sealed] = [key for key in names.RUNLESS_RED if key.asset_key == names.DAY_SEALS]

    def record(instance: dg.DagsterInstance, key: dg.AssetCheckKey, *, passed: bool) -> None:
        made = dg.AssetCheckEvaluation(asset_key=key.asset_key, check_name=key.name, passed=passed)
        instance.report_runless_asset_event(made)

    with dg.DagsterInstance.ephemeral() as instance:
        assert watch.red_checks(instance, has_delta=True) == []
        for key in names.RUNLESS_RED:
            record(instance, key, passed=False)
        red = [key.name for key in names.RUNLESS_RED]
        assert [check.name for check in watch.red_checks(instance, has_delta=True)] == red
        record(instance, sealed, passed=True)
        red.remove(sealed.name)
        assert [check.name for check in watch.red_checks(instance, has_delta=True)] == red
        red.remove(names.DELTA_CHECK.name)
        assert [check.name for check in watch.red_checks(instance, has_delta=False)] == red


def test_the_checks_that_are_watched_are_there_and_fail_no_run() -> None:
    made = [newest_batch_conserves_records, sealed_days_are_as_they_were_sealed, delta_agrees_with_the_warehouse]
    assert [spec.key for check in made for spec in check.check_specs] == list(names.RUNLESS_RED)
    assert not [spec.blocking for check in made for spec in check.check_specs if spec.blocking]


@dg.op(config_schema=bool)
def fails_or_not(context: dg.OpExecutionContext) -> None:
    if context.op_config:
        raise ValueError("no seal")


@dg.job(name=names.SEAL_JOB)
def sealing() -> None:
    fails_or_not()


def test_a_nightly_job_is_known_by_its_newest_good_run() -> None:
    def run(instance: dg.DagsterInstance, *, fails: bool) -> None:
        config = {"ops": {"fails_or_not": {"config": fails}}}
        sealing.execute_in_process(run_config=config, instance=instance, raise_on_error=False)

    with dg.DagsterInstance.ephemeral() as instance:
        run(instance, fails=True)
        assert [(night.job, night.ended_at) for night in watch.nights_seen(instance)] == [
            (names.RECONCILE_JOB, None),
            (names.SEAL_JOB, None),
        ]
        run(instance, fails=False)
        ended_at = watch.nights_seen(instance)[1].ended_at
        assert ended_at is not None
        run(instance, fails=True)
        assert watch.nights_seen(instance)[1].ended_at == ended_at
