"""The streaming asset: one materialization per micro-batch with numbers to plot; an incident is not tried again."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from orchestration import names
from orchestration.assets.streaming import publish_payments
from orchestration.automation.workers import is_worker_dead
from orchestration.settings import read_stack_settings
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch_report import BatchReport

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def report(batch_id: int) -> BatchReport:
    return BatchReport(
        batch_id=batch_id,
        spark_batch_id=batch_id - 1,
        generation="g1",
        epoch=1,
        start_offsets={0: 0},
        end_offsets={0: 10 * batch_id},
        delivered=10,
        unique=7,
        duplicate=1,
        late=1,
        quarantined=1,
        watermark=None,
        next_watermark=NOW,
        latency_p50_seconds=1.5,
        latency_p95_seconds=2.0,
        state_keys=7,
        state_bytes=112,
        process_seconds=1.0,
        load_seconds=0.5,
        transaction_seconds=0.5,
        published_at=NOW,
    )


def run(tmp_path: Path, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [publish_payments],
        instance=instance,
        resources={
            "settings": read_stack_settings({"PAYMENTS_HOME": str(tmp_path)}),
            "spark": SimpleNamespace(spark_session=None),
        },
        raise_on_error=False,
    )


@pytest.fixture
def drain_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], None]:
    """Put another drain in place of Spark's."""

    def replace(drain: Callable[..., Any]) -> None:
        module = ModuleType("spark_jobs.process_payments")
        module.drain = drain  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return replace


def test_each_batch_is_a_materialization_with_its_numbers(
    tmp_path: Path, drain_with: Callable[[Callable[..., Any]], None]
) -> None:
    def drain(*_: Any, on_batch: Callable[[BatchReport], None], **__: Any) -> list[BatchReport]:
        reports = [report(1), report(2)]
        for one in reports:
            on_batch(one)
        return reports

    drain_with(drain)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance)
        recorded = instance.fetch_materializations(names.DELIVERIES, limit=10).records
        [of_the_run] = instance.fetch_materializations(dg.AssetKey([names.PREFIX, "batch_ledger"]), limit=10).records
        worker = instance.get_runs()[0].tags[names.WORKER_TAG]
    assert result.success
    second, first = [record.asset_materialization for record in recorded]
    last = of_the_run.asset_materialization
    assert first is not None
    assert second is not None
    assert last is not None
    numbers = {name: value.value for name, value in first.metadata.items()}
    assert numbers.items() >= report(1).metrics().items()
    assert numbers["watermark"] == NOW.timestamp()
    assert second.metadata["batch_id"].value == 2
    assert {name: value.value for name, value in last.metadata.items()} == {"run_batches": 2, "run_delivered": 20}
    assert is_worker_dead(worker) is False


def test_an_incident_fails_the_run_at_once_with_its_own_line(
    tmp_path: Path, drain_with: Callable[[Callable[..., Any]], None]
) -> None:
    calls = []

    def drain(*_: Any, **__: Any) -> list[BatchReport]:
        calls.append(1)
        raise Incident(IncidentKind.TOPIC_RECREATED, "the topic is another one.")

    drain_with(drain)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(tmp_path, instance)
    [failure] = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == "TOPIC_RECREATED: the topic is another one."
    assert len(calls) == 1
