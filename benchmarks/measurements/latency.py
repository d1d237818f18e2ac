"""Latency of paced traffic: from the broker's timestamp to visible in the warehouse, minute by minute.

Usage: python -m benchmarks.measurements.latency [--rate N] [--seconds N] [--job-only] [--dry]. Writes a table into
docs/performance.md, and figures. The whole platform is up, Dagster and dbt's builds included, and the sender too, all
on this machine; --job-only leaves Dagster and dbt away. How long a record waited is read back from the warehouse:
published_at less broker's timestamp.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness.figures import ROOT, keep, measured, table, write_table
from benchmarks.harness.latency_spread import Spread, by_minute, merged, spread
from benchmarks.harness.stack import send, stack
from local_stack.processes import Daemon
from simulator.config import SimulationConfig
from simulator.sending.bulk import fastest, load
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.client import connect
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.table_setup import ensure_tables

PAGE = ROOT / "docs" / "performance.md"
WARM_UP_EVENTS = 2_000
_DRAINED_SECONDS = 180.0


def paced(settings: JobSettings, rate: float, seconds: float) -> tuple[datetime, int]:
    """Send a warm-up and wait for it, then send at the rate and wait for that.

    Returns when the rate began, and how many records the broker has acknowledged since.
    """
    sent = send(settings, WARM_UP_EVENTS, seed=1)
    _await_published(settings, sent)
    since = datetime.now(UTC)
    config = SimulationConfig(rate=rate, duration_seconds=seconds, seed=2)
    at_the_rate = load(config, settings.bootstrap_servers, settings.topic, fastest()).deliveries
    _await_published(settings, sent + at_the_rate)
    return since, at_the_rate


def _await_published(settings: JobSettings, records: int) -> None:
    deadline = time.monotonic() + _DRAINED_SECONDS
    while time.monotonic() < deadline:
        with connect(settings) as client:
            control = read_control(client, settings)
        if control and sum(control.end_offsets.values()) >= records:
            return
        time.sleep(0.5)
    raise TimeoutError(f"{records} records are not published after {_DRAINED_SECONDS:.0f} s: the rate is too high.")


@contextmanager
def job_alone(folder: Path) -> Iterator[JobSettings]:
    """Broker, warehouse and a warm run of the job, as spark-submit would start it."""
    with stack(folder) as (settings, _):
        with connect(settings) as client:
            ensure_tables(client, settings)
        job = Daemon("job", folder)
        endless = ["--idle-seconds", "3600", "--max-seconds", "36000"]
        path = {"PYTHONPATH": str(ROOT), "PAYMENTS_HOME": str(folder)}
        job.spawn(
            [sys.executable, "-m", "spark_jobs.process_payments", *endless],
            env={**os.environ, **settings.environment(), **path},
        )
        try:
            yield settings
        finally:
            job.stop()


@contextmanager
def platform(folder: Path) -> Iterator[JobSettings]:
    """Everything that `payments up` starts."""
    # It imports Dagster, which --job-only leaves away.
    from benchmarks.harness.platform import running_platform

    with running_platform(folder) as running:
        yield running.settings.job


def measure(
    rate: float, seconds: float, opened: Callable[[Path], AbstractContextManager[JobSettings]]
) -> tuple[int, list[Spread]]:
    """Records sent; one Spread per minute, and one over all, whose minute is -1, at the end."""
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as settings:
        since, sent = paced(settings, rate, seconds)
        minutes = by_minute(settings, since)
    everything = spread(-1, merged(minutes.values()))
    return sent, [*(spread(minute, counts) for minute, counts in sorted(minutes.items())), everything]


def spreads_table(rate: float, sent: int, spreads: list[Spread]) -> str:
    """The spreads as Markdown."""
    rows = [
        [
            "all" if one.minute < 0 else str(one.minute + 1),
            f"{one.records:,}",
            *(f"{seconds:.2f}" for seconds in (one.p50, one.p95, one.p99, one.worst)),
        ]
        for one in spreads
    ]
    columns = ["minute", "records", "p50 s", "p95 s", "p99 s", "worst s"]
    how = f", {rate:,.0f} payments/s and their retries: {sent:,} records sent, {spreads[-1].records:,} published"
    return measured(how) + table(columns, rows)


def figures(rate: float, seconds: float, everything: Spread) -> dict[str, float | int | str]:
    """What documents say in a sentence, by name."""
    return {
        "latency_events_per_second": rate,
        "latency_minutes": seconds / 60,
        "latency_p95_seconds": everything.p95,
        "latency_worst_seconds": everything.worst,
    }


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=10_000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--job-only", action="store_true", help="without Dagster and dbt; nothing is kept")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    sent, spreads = measure(options.rate, options.seconds, job_alone if options.job_only else platform)
    shown = spreads_table(options.rate, sent, spreads)
    print(shown)  # noqa: T201 - this is a command
    if not (options.job_only or options.dry):
        write_table(PAGE, "latency", shown)
        keep(figures(options.rate, options.seconds, spreads[-1]))


if __name__ == "__main__":
    main()
