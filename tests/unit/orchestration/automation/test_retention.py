"""What is deleted of old runs, and what stays, on a real instance with SQLite."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation.retention import cut_log, delete_dbt_folders, delete_runs
from orchestration.platform.dagster_home import open_instance
from orchestration.settings import read_stack_settings
from tests.counted_asset import counted, is_counted

LATER = timedelta(minutes=1)


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with open_instance(read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})) as instance:
        yield instance


@dg.job
def waiting() -> None:
    """Never executed."""


def run(instance: dg.DagsterInstance) -> str:
    return dg.materialize([counted, is_counted], instance=instance).run_id


def checks(instance: dg.DagsterInstance) -> int:
    history = instance.event_log_storage.get_asset_check_execution_history(is_counted.check_key, limit=100)
    return len(history)


def test_of_an_old_run_nothing_is_left_and_the_newest_of_a_job_stays(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    old = [run(instance) for _ in range(3)]
    newest = run(instance)
    assert delete_runs(instance, datetime.now(UTC) + LATER) == len(old)
    assert [found.run_id for found in instance.get_runs()] == [newest]
    assert checks(instance) == 1
    materialization = instance.get_latest_materialization_event(counted.key)
    assert materialization
    assert materialization.run_id == newest
    assert not [path for run_id in old for path in tmp_path.rglob(f"*{run_id}*")]
    assert list(tmp_path.rglob(f"*{newest}*"))


def test_runs_that_ended_since_or_have_not_ended_stay(instance: dg.DagsterInstance) -> None:
    ended = run(instance)
    for_later = instance.create_run_for_job(waiting)
    assert delete_runs(instance, datetime.now(UTC) - LATER) == 0
    assert {found.run_id for found in instance.get_runs()} == {ended, for_later.run_id}


def test_more_runs_than_are_deleted_at_once_go_in_one_call(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.automation.retention._RUNS_AT_ONCE", 1)
    for _ in range(4):
        run(instance)
    assert delete_runs(instance, datetime.now(UTC) + LATER) == 3
    assert delete_runs(instance, datetime.now(UTC) + LATER) == 0


def test_folders_of_old_runs_of_dbt_go_and_its_own_stay(tmp_path: Path) -> None:
    for name in ("warehouse_assets-1-a", "warehouse_assets-2-b", "compiled"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run_results.json").touch()
    (tmp_path / "manifest.json").touch()
    for name in ("warehouse_assets-1-a", "compiled", "manifest.json"):
        os.utime(tmp_path / name, (0, 0))
    assert delete_dbt_folders(tmp_path, datetime.now(UTC) - LATER) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"warehouse_assets-2-b", "compiled", "manifest.json"}
    assert delete_dbt_folders(tmp_path / "missing", datetime.now(UTC)) == 0


def test_a_log_that_has_grown_keeps_its_last_lines_and_whoever_writes_it_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"".join(b"line %03d\n" % n for n in range(100)))
        assert not cut_log(log, most_bytes=900, kept_bytes=30)
        assert cut_log(log, most_bytes=899, kept_bytes=30)
        writer.write(b"after\n")
    assert log.read_bytes() == b"line 097\nline 098\nline 099\nafter\n"
