"""Events of no run are deleted with time, on a real instance with SQLite."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import events_without_a_run
from orchestration.automation.events_without_a_run import delete_events_without_a_run
from orchestration.platform.dagster_home import open_instance
from orchestration.settings import read_stack_settings

LATER = timedelta(minutes=1)
TOPIC, BATCHES = dg.AssetKey("topic"), dg.AssetKey("batches")
CHECK = dg.AssetCheckKey(TOPIC, "is_well")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with open_instance(read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})) as instance:
        for lag in range(4):
            instance.report_runless_asset_event(dg.AssetObservation(TOPIC, metadata={"lag": lag}, tags={"by": "watch"}))
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=TOPIC, check_name="is_well", passed=True, metadata={})
            )
            instance.report_runless_asset_event(dg.AssetMaterialization(BATCHES, metadata={"batch_id": lag}))
        yield instance


def lags(instance: dg.DagsterInstance) -> list[object]:
    records = instance.fetch_observations(TOPIC, limit=100).records
    return [r.asset_observation.metadata["lag"].value for r in records if r.asset_observation]


def batches(instance: dg.DagsterInstance) -> list[object]:
    records = instance.fetch_materializations(BATCHES, limit=100).records
    return [r.asset_materialization.metadata["batch_id"].value for r in records if r.asset_materialization]


def checks(instance: dg.DagsterInstance) -> int:
    return len(instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=100))


def test_what_is_old_goes_and_the_newest_of_each_asset_and_check_stays(instance: dg.DagsterInstance) -> None:
    assert (len(lags(instance)), len(batches(instance)), checks(instance)) == (4, 4, 4)
    assert delete_events_without_a_run(instance, datetime.now(UTC) + LATER) > 0
    assert (lags(instance), batches(instance), checks(instance)) == ([3], [3], 1)
    assert delete_events_without_a_run(instance, datetime.now(UTC) + LATER) == 0


def test_what_is_new_stays(instance: dg.DagsterInstance) -> None:
    assert delete_events_without_a_run(instance, datetime.now(UTC) - LATER) == 0
    assert (len(lags(instance)), len(batches(instance)), checks(instance)) == (4, 4, 4)


def test_more_than_one_statement_takes_goes_in_one_call(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_without_a_run, "_AT_ONCE", 2)
    delete_events_without_a_run(instance, datetime.now(UTC) + LATER)
    assert (lags(instance), checks(instance)) == ([3], 1)


def test_events_of_runs_are_left_to_their_runs(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=TOPIC)
    def topic() -> None:
        """A run of its own."""

    run = dg.materialize([topic], instance=instance).run_id
    delete_events_without_a_run(instance, datetime.now(UTC) + LATER)
    assert instance.get_latest_materialization_event(TOPIC).run_id == run  # type: ignore[union-attr]
    assert list(instance.all_logs(run))
