"""The same job on a Spark standalone cluster on this machine: how much faster two workers of one core are than one.

Usage: python -m benchmarks.contest.scaling [--events N] [--workers N ...] [--dry]. Writes the table into
docs/scaling.md. Belongs here: the cluster, and the runs on it. Does not belong here: what is metered (contest).
The driver, the broker and the warehouse need the same cores, so two workers are not worth two machines here.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.contest import contest
from benchmarks.contest.arena import Arena, arena
from benchmarks.contest.contest import OURS, Reading
from benchmarks.harness.figures import ROOT, measured, table, write_table
from local_stack.processes import Daemon, free_port
from spark_jobs.settings import payments_home

PAGE = ROOT / "docs" / "scaling.md"
HOST = "127.0.0.1"
WORKER_MEMORY = "2g"
EXECUTOR_MEMORY = "1g"
START_SECONDS = 120.0


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A master and so many workers of one core each; yields the master's address and the pids of all."""
    address = f"spark://{HOST}:{free_port(HOST)}"
    port = address.rpartition(":")[2]
    master_ui = free_port(HOST)
    with ExitStack() as stack:
        listen = ["--host", HOST, "--port", port, "--webui-port", str(master_ui)]
        daemons = [_spawn(stack, folder, "master", ["master.Master", *listen])]
        _await(daemons[0], "I have been elected leader")
        for number in range(workers):
            given = ["--host", HOST, "--cores", "1", "--memory", WORKER_MEMORY, "--webui-port", str(free_port(HOST))]
            work = ["--work-dir", str(folder / f"work{number}")]
            daemons.append(_spawn(stack, folder, f"worker{number}", ["worker.Worker", *given, *work, address]))
        for worker in daemons[1:]:
            _await(worker, "registered with master")
        yield address, tuple(daemon.pid() or 0 for daemon in daemons)


def _spawn(stack: ExitStack, folder: Path, name: str, arguments: list[str]) -> Daemon:
    spec = find_spec("pyspark")
    home = Path(spec.origin).parent if spec and spec.origin else Path()
    daemon = Daemon(name, folder)
    command: list[str | Path] = [
        home / "bin" / "spark-class",
        f"org.apache.spark.deploy.{arguments[0]}",
        *arguments[1:],
    ]
    daemon.spawn(command, env={**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable})
    stack.callback(daemon.stop)
    return daemon


def _await(daemon: Daemon, words: str) -> None:
    daemon.wait_until(lambda: words in daemon.log_file.read_text(), START_SECONDS)


def run(ready: Arena, workers: int) -> Reading:
    """Our job, once, on a cluster of so many workers. Raises Failed, and AssertionError where the result is wrong."""
    folder = ready.folder / f"workers-{workers}"
    folder.mkdir()
    settings = replace(ready.settings, dataset=f"workers_{workers}")
    with cluster(folder, workers) as (address, pids):
        options = f"--master {address} --executor-memory {EXECUTOR_MEMORY} pyspark-shell"
        reading = contest.run(
            OURS,
            ready.task,
            folder,
            payments_home(),
            broker=ready.broker,
            servers=(*pids, ready.warehouse),
            env={
                **(ready.environment(OURS, settings) or {}),
                "PYSPARK_SUBMIT_ARGS": options,
                "PYSPARK_PYTHON": sys.executable,
            },
        )
    if ready.found(OURS, settings, folder) != ready.truth:
        raise AssertionError(f"the result of {workers} workers is not what was sent")
    return reading


def readings_table(readings: dict[int, Reading], records: int) -> str:
    """One row for each number of workers, as Markdown."""
    alone = readings[min(readings)]
    rows = [
        [
            str(workers),
            f"{records / reading.seconds:,.0f}",
            f"{alone.seconds / reading.seconds:.2f}",
            f"{reading.cpu / records * 1e6:.1f}",
        ]
        for workers, reading in sorted(readings.items())
    ]
    how = f" that driver, broker and warehouse share; {records:,} events, every result exact"
    return measured(how) + table(["workers of one core", "events/s", "speed-up", "CPU s per million"], rows)


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    with arena(options.events) as ready:
        readings = {}
        for workers in options.workers:
            readings[workers] = run(ready, workers)
            print(f"{workers} workers: {readings[workers].seconds:.1f} s", flush=True)  # noqa: T201 - this is a command
        shown = readings_table(readings, ready.task.records)
    print(shown)  # noqa: T201 - this is a command
    if not options.dry:
        write_table(PAGE, "workers", shown)


if __name__ == "__main__":
    main()
