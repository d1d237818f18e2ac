"""The streaming job by itself, on a stack of its own: cold start, fixed cost of a batch, drain rate, state per key.

Usage: python -m benchmarks.measurements.streaming [--events N]. Writes the figures into benchmarks/figures.json and
the docs. The broker, the warehouse and Spark share this machine's cores.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.harness.figures import keep
from benchmarks.harness.processes import cpu_seconds
from benchmarks.harness.stack import send, stack
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings

WARM_UPS = 20
"""A shift has hundreds of batches: the JVM compiles what the first dozens go through."""
SMALL_BATCHES = 20
SMALL_EVENTS = 100


def measure(events: int, folder: Path) -> dict[str, float | int | str]:
    """All figures, by name."""
    with stack(folder) as (settings, servers):
        began = time.monotonic()
        spark = build_session(settings, folder)
        session_seconds = time.monotonic() - began
        try:
            reports: list[BatchReport] = []
            with Run(spark, settings, reports.append) as run:
                send(settings, SMALL_EVENTS, seed=1)
                began = time.monotonic()
                run.drain_once(float("inf"))
                first_seconds = time.monotonic() - began
                timed = [_small_batch(run, settings, seed) for seed in range(2, 2 + WARM_UPS + SMALL_BATCHES)]
                small, small_reports = timed[WARM_UPS:], reports[-SMALL_BATCHES:]
                deliveries = send(settings, events, seed=100)
                cpu, began = cpu_seconds(os.getpid(), *servers), time.monotonic()
                run.drain_once(float("inf"))
                seconds = time.monotonic() - began
                cpu = cpu_seconds(os.getpid(), *servers) - cpu
        finally:
            spark.stop()
    return {
        "session_start_seconds": session_seconds,
        "first_batch_seconds": first_seconds,
        "small_batch_seconds": statistics.median(small),
        "small_batch_process_seconds": statistics.median(r.process_seconds for r in small_reports),
        "small_batch_load_seconds": statistics.median(r.load_seconds for r in small_reports),
        "small_batch_transaction_seconds": statistics.median(r.transaction_seconds for r in small_reports),
        "drain_events": deliveries,
        "drain_events_per_second": deliveries / seconds,
        "drain_cpu_seconds_per_million": cpu / deliveries * 1e6,
        "cores": os.cpu_count() or 0,
    }


def _small_batch(run: Run, settings: JobSettings, seed: int) -> float:
    send(settings, SMALL_EVENTS, seed)
    began = time.monotonic()
    run.drain_once(float("inf"))
    return time.monotonic() - began


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.events, Path(folder))
    for name, value in figures.items():
        print(f"{name:34} {value}")  # noqa: T201 - this is a command
    keep(figures)


if __name__ == "__main__":
    main()
