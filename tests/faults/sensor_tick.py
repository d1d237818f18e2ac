"""A script: Dagster's sensor daemon, alone, until the backlog sensor's run is queued or it dies on the way there.

Usage: python -m tests.faults.sensor_tick [RUN_IDS_RESERVED | RUN_CREATED]: where it dies, by SIGKILL, as Dagster names
the points between a sensor's request and the launch of its run.
"""

import logging
import signal
import sys
import time
from collections.abc import Sequence

import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration

from orchestration.names import PROCESS_JOB
from orchestration.platform.dagster_home import open_instance
from orchestration.sensors import backlog_sensor
from orchestration.settings import read_stack_settings


class InProcess(WorkspaceLoadTarget):
    """The code location of workspace.yaml without a server of its own, which would outlive a killed daemon."""

    def create_origins(self) -> Sequence[InProcessCodeLocationOrigin]:
        target = LoadableTargetOrigin(
            executable_path=sys.executable, module_name="orchestration.definitions", attribute="defs"
        )
        return [InProcessCodeLocationOrigin(target, location_name="payments")]


def main() -> None:
    point = sys.argv[1] if len(sys.argv) > 1 else None
    crashes = {backlog_sensor.name: {point: signal.SIGKILL}} if point else None
    instance = open_instance(read_stack_settings())
    with WorkspaceProcessContext(instance, InProcess()) as context:
        while not instance.get_runs(dg.RunsFilter(job_name=PROCESS_JOB, statuses=[dg.DagsterRunStatus.QUEUED])):
            for _ in execute_sensor_iteration(context, logging.getLogger(), None, None, debug_crash_flags=crashes):
                pass
            time.sleep(0.2)


if __name__ == "__main__":
    main()
