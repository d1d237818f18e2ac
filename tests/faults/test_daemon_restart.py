"""Dagster's daemon dies between a sensor's request and the launch of its run: one run comes of it all the same."""

import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from orchestration.names import PROCESS_JOB
from orchestration.platform.dagster_home import open_instance
from orchestration.settings import read_stack_settings
from spark_jobs.warehouse.table_setup import ensure_tables
from tests.world import World, event

ROOT = Path(__file__).parents[2]


@pytest.mark.integration
@pytest.mark.thorough
def test_a_daemon_that_dies_between_request_and_launch_launches_one_run_once_it_is_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_tables(world.client, world.settings)
    world.send([event("11111111-2222-4333-8444-555555555555")])
    for name, value in (world.settings.environment() | {"PAYMENTS_HOME": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    assert daemon("RUN_IDS_RESERVED") == -signal.SIGKILL
    assert statuses() == []
    assert daemon("RUN_CREATED") == -signal.SIGKILL
    assert statuses() == [dg.DagsterRunStatus.NOT_STARTED]
    assert daemon() == 0
    assert statuses() == [dg.DagsterRunStatus.QUEUED]


def daemon(*point: str) -> int:
    command = [sys.executable, "-m", "tests.faults.sensor_tick", *point]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=90).returncode


def statuses() -> list[dg.DagsterRunStatus]:
    """Of all runs of the streaming job."""
    with open_instance(read_stack_settings()) as instance:
        return [run.status for run in instance.get_runs(dg.RunsFilter(job_name=PROCESS_JOB))]
