"""The whole platform on free ports and in a folder of its own, for faults to be done to it: `payments up` and its pids.

Belongs here: starting, stopping and finding processes. Does not belong here: which one dies (chaos).
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from local_stack.sandbox_home import own_environment
from orchestration.automation.run_records import IN_FLIGHT
from orchestration.automation.workers import is_worker_dead
from orchestration.names import PROCESS_JOB, WARM_TAG, WORKER_TAG
from orchestration.platform.dagster_home import open_instance
from orchestration.platform.stack import Stack
from orchestration.settings import StackSettings, read_stack_settings
from simulator.config import SimulationConfig
from simulator.sending.simulate import simulate


def make_settings(folder: Path) -> StackSettings:
    """Settings of a platform below `folder`, with the jars and the warehouse's environment of this checkout."""
    return read_stack_settings(
        own_environment(folder)
        # dbt has no part in what is proved here, and would take the time of it.
        | {"PAYMENTS_BUILD_INTERVAL_SECONDS": "86400"}
    )


class Platform:
    """The platform under way. `run_pids` are the processes of the streaming job's runs, the one at work first."""

    def __init__(self, settings: StackSettings) -> None:
        self.settings = settings
        self.stack = Stack(settings)
        self._stop_traffic = threading.Event()
        self._traffic: threading.Thread | None = None

    def start(self) -> None:
        """Broker, warehouse, Dagster with its sensors; no traffic."""
        self.stack.start_data_plane(lambda _: None)
        self.stack.start_ui(lambda _: None)
        self._instance = open_instance(self.settings)

    def stop(self) -> None:
        """Everything, runs included."""
        self.end_traffic()
        for pid in self.run_pids():
            os.kill(pid, 9)
        self.stack.stop(lambda _: None)

    def begin_traffic(self, config: SimulationConfig, manifest: Path) -> None:
        """Steady payments from a thread, until `end_traffic`."""
        job = self.settings.job

        def send() -> None:
            simulate(config, job.bootstrap_servers, job.topic, manifest, stop=self._stop_traffic)

        self._traffic = threading.Thread(target=send)
        self._traffic.start()

    def end_traffic(self) -> None:
        """Wait until all that was sent is acknowledged and in the manifest."""
        self._stop_traffic.set()
        if self._traffic:
            self._traffic.join()

    def run_pids(self) -> list[int]:
        """Living processes of the streaming job's runs, oldest run first."""
        return [pid for run in self._runs() if (pid := _pid(run)) is not None]

    def has_warm_standby(self) -> bool:
        """Whether a run waits for its turn with a warm session."""
        runs = [run for run in self._runs() if _pid(run) is not None]
        return any(WARM_TAG in run.tags for run in runs[1:])

    def _runs(self) -> list[dg.DagsterRun]:
        filters = dg.RunsFilter(job_name=PROCESS_JOB, statuses=IN_FLIGHT)
        return [record.dagster_run for record in self._instance.get_run_records(filters, ascending=True)]


def child_called(name: str, parent: int) -> int | None:
    """The pid of a process called so, somewhere below `parent`."""
    for pid in descendants(parent):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return pid
        except (FileNotFoundError, ProcessLookupError):
            continue
    return None


def descendants(parent: int) -> Iterator[int]:
    """Pids of all processes below `parent`."""
    for entry in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children = [int(pid) for pid in entry.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for pid in children:
            yield pid
            yield from descendants(pid)


def _pid(run: dg.DagsterRun) -> int | None:
    """The pid of the run's process, while it lives."""
    worker = run.tags.get(WORKER_TAG, "")
    return None if not worker or is_worker_dead(worker) else int(worker.split("|")[1])
