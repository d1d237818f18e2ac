"""Many small batches and builds, as fast as the machine bears: what grows with their number, and what a week comes to.

Usage: python -m benchmarks.endurance.soak [--batches N] [--builds N] [--minutes N] [--keep-minutes N] [--dry].

Writes a table and a plot into docs/performance.md. Belongs here: a broker, a warehouse, one warm run of the job and
builds by the command, with little kept, so that what is deleted after an hour or a day is deleted while it is measured.
Does not belong here: trends.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.endurance.trends import EVENTS_A_BATCH, Sample, plot, trends_table
from benchmarks.harness.figures import ROOT, write_table
from benchmarks.harness.processes import children, open_files, own_resident_bytes
from benchmarks.harness.stack import send, stack
from orchestration.automation.events_without_a_run import delete_events_without_a_run
from orchestration.automation.retention import delete_runs
from orchestration.platform.dagster_home import open_instance
from orchestration.platform.disk_usage import MIB, usage_of
from orchestration.settings import child_environment, read_stack_settings
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.settings import JobSettings

PAGE = ROOT / "docs" / "performance.md"
PLOT = ROOT / "docs" / "soak.svg"
SAMPLES = 60
_FOREVER_SECONDS = 86_400.0
_BUILD_SECONDS = 900


class Soak:
    """A stack at work, and what is sampled of it."""

    def __init__(self, folder: Path, settings: JobSettings, pids: Sequence[int], keep: timedelta) -> None:
        self.folder, self.settings, self.keep = folder, settings, keep
        self._pids = {"broker": pids[0], "warehouse": pids[1], "Python of the job": os.getpid()}
        self._seconds: list[float] = []
        self._build_seconds = 0.0
        self.builds = 0

    def run(self, batches: int, builds: int, minutes: float) -> Iterator[Sample]:
        """So many batches, or as many as go into the minutes, with the builds spread evenly; samples as it goes."""
        until = time.monotonic() + 60 * minutes
        spark = build_session(self.settings, self.folder)
        sample_every, build_every = max(1, batches // SAMPLES), batches // builds if builds else batches + 1
        try:
            self._pids["Spark's JVM"] = self._session_pid()
            with Run(spark, self.settings, lambda _: None) as run:
                for number in range(1, batches + 1):
                    if time.monotonic() > until:
                        break
                    self._batch(run, number)
                    if number % build_every == 0:
                        self._build()
                    if number % sample_every == 0:
                        yield Sample(number, self._values())
        finally:
            spark.stop()

    def _session_pid(self) -> int:
        """Of the JVM that is no broker."""
        return next(pid for pid, name in children(os.getpid()) if name == "java" and pid not in self._pids.values())

    def _batch(self, run: Run, number: int) -> None:
        send(self.settings, EVENTS_A_BATCH, seed=number)
        began = time.monotonic()
        while run.drain_once(began + _FOREVER_SECONDS):
            pass
        self._seconds.append(time.monotonic() - began)

    def _build(self) -> None:
        """As `payments build` does it; then runs are deleted, as the schedule does."""
        settings = read_stack_settings({**os.environ, "PAYMENTS_HOME": str(self.folder), **self.settings.environment()})
        command = [sys.executable, "-m", "orchestration.cli.app", "build"]
        began = time.monotonic()
        env = child_environment(settings)
        done = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=_BUILD_SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"a build failed: {done.stderr[-500:]}{done.stdout[-3000:]}")
        self._build_seconds = time.monotonic() - began
        self.builds += 1
        with open_instance(settings) as instance:
            before = datetime.now(UTC) - self.keep
            delete_runs(instance, before)
            delete_events_without_a_run(instance, before)

    def _values(self) -> dict[str, float]:
        values = {"batch, seconds": statistics.median(self._seconds)}
        self._seconds.clear()
        if self._build_seconds:
            values["build, seconds"] = self._build_seconds
        for usage in usage_of(self.folder):
            if usage.files:
                values[f"{usage.part}, files"] = usage.files
                values[f"{usage.part}, MiB"] = usage.bytes / MIB
        for name, pid in self._pids.items():
            values[f"{name}, memory MiB"] = own_resident_bytes(pid) / MIB
            values[f"{name}, open files"] = open_files(pid)
        workers = [pid for daemon, _ in children(self._pids["Spark's JVM"]) for pid, _ in children(daemon)]
        values["Spark's Python workers, memory MiB"] = sum(map(own_resident_bytes, workers)) / MIB
        return values


def printed(sample: Sample) -> Sample:
    """The sample, printed as it comes: the whole takes an hour."""
    values = "  ".join(f"{name} {value:,.2f}" for name, value in sample.values.items())
    print(f"{datetime.now(UTC):%H:%M:%S}  {sample.batches:,} batches  {values}", file=sys.stderr)  # noqa: T201
    return sample


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=3_000)
    parser.add_argument("--builds", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=_FOREVER_SECONDS / 60, help="end after so long at the latest")
    parser.add_argument("--keep-minutes", type=float, default=5, help="of old states, jobs and runs")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    os.environ["PAYMENTS_WAREHOUSE_KEEP_MINUTES"] = str(options.keep_minutes)
    keep = timedelta(minutes=options.keep_minutes)
    with tempfile.TemporaryDirectory() as folder, stack(Path(folder)) as (settings, pids):
        soak = Soak(Path(folder), settings, pids, keep)
        samples = [printed(sample) for sample in soak.run(options.batches, options.builds, options.minutes)]
    shown = trends_table(samples, soak.builds, keep)
    print(shown)  # noqa: T201 - this is a command
    if not options.dry:
        write_table(PAGE, "soak", shown)
        plot(samples, PLOT)


if __name__ == "__main__":
    main()
