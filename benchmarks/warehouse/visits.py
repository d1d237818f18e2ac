"""What each patch of the local warehouse is worth: the same batches and builds with all patches, then without one.

Usage: python -m benchmarks.warehouse.visits [--rounds N] [--only PATCH ...]. Writes the gains into
benchmarks/figures.json, docs/performance.md and the patches' own docstrings; `--dry` prints alone.

Belongs here: the visits and their order. Does not belong here: the arithmetic and the table (gains). The server
starts anew for each visit. A visit with all patches and one without a patch follow each other, in an order that is
drawn: the dataset grows from visit to visit, and other work comes and goes, so only neighbours can be compared. A visit
is small batches, a large one, and a dbt build of the fraud scores, the metrics and the summary with their tests.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.processes import cpu_seconds
from benchmarks.harness.stack import send, stack
from benchmarks.warehouse.gains import Cost, Visit, cost, gain, keep_gains
from local_stack.bigquery.emulator import Warehouse
from local_stack.bigquery.patches.registry import EVERY, NONE, PATCHES, without
from orchestration.resources.dbt_process import build
from orchestration.scenarios.harness.sandbox import Sandbox
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.publishing.batch_report import BatchReport

SMALL_EVENTS = 100
LARGE_EVENTS = 60_000
FIRST_EVENTS = 5_000
FIRST_BATCHES = 12
WARM_UPS = 2
SMALL_BATCHES = 10
BUILT = ("payment_transactions_fraud", "payment_metrics", "reconciliation_summary")
"""Two incremental models and a table, each with its tests."""
_BUILD_SECONDS = 600

type Pair = tuple[Visit, Visit]
"""With all patches, and without one or without any."""


@dataclass
class Measurement:
    """A stack, a dataset of small batches and one of large ones."""

    home: Path
    small: Sandbox
    large: Sandbox
    _seed: int = 1

    def prepare(self) -> None:
        """Payments and batches for the builds, and a warm JVM."""
        with self._run(self.small, []) as drain:
            drain(FIRST_EVENTS)
            for _ in range(FIRST_BATCHES):
                drain(SMALL_EVENTS)
        self._build()

    def pair(self, patches: str, *, all_first: bool) -> Pair:
        """A visit with all patches, and one with these."""
        if all_first:
            return self.visit(EVERY), self.visit(patches)
        other = self.visit(patches)
        return self.visit(EVERY), other

    def visit(self, patches: str) -> Visit:
        """Everything once, on a server with these patches."""
        job = self.small.settings
        warehouse = Warehouse(self.home, job.emulator_host or "", job.project, patches)
        warehouse.stop()
        warehouse.start()
        pid = warehouse.pid() or 0
        return Visit(
            small_batch=self._batches(self.small, pid, SMALL_EVENTS, SMALL_BATCHES),
            large_batch=self._batches(self.large, pid, LARGE_EVENTS, 1),
            build=_cost_of(pid, lambda: self._build("--select", *BUILT)),
        )

    def _batches(self, sandbox: Sandbox, pid: int, events: int, count: int) -> Cost:
        """The server's CPU seconds of a batch, and the seconds of its load and transaction."""
        reports: list[BatchReport] = []
        with self._run(sandbox, reports) as drain:
            for _ in range(WARM_UPS):
                drain(SMALL_EVENTS)
            cpu, walls = cpu_seconds(pid), []
            for _ in range(count):
                reports.clear()
                drain(events)
                walls.append(sum(report.load_seconds + report.transaction_seconds for report in reports))
            cpu = cpu_seconds(pid) - cpu
        return Cost(cpu / count, statistics.median(walls))

    @contextmanager
    def _run(self, sandbox: Sandbox, reports: list[BatchReport]) -> Iterator[Callable[[int], None]]:
        with Run(sandbox.spark, sandbox.settings, reports.append) as run:

            def drain(events: int) -> None:
                self._seed += 1
                send(sandbox.settings, events, self._seed)
                run.drain_once(float("inf"))

            yield drain

    def _build(self, *selection: str) -> None:
        env = {**os.environ, **self.small.settings.environment(), "DBT_TARGET": "local"}
        excluded = ("--exclude-resource-type", "unit_test")
        build("build models", self.home / "dbt", env, *excluded, *selection, timeout_seconds=_BUILD_SECONDS)


def _cost_of(pid: int, work: Callable[[], None]) -> Cost:
    cpu, began = cpu_seconds(pid), time.monotonic()
    work()
    return Cost(cpu_seconds(pid) - cpu, time.monotonic() - began)


def order(names: list[str], rounds: int, seed: int) -> Iterator[tuple[str, bool]]:
    """What each pair of visits goes without, none of them once a round too, and whether all patches come first."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    for _ in range(rounds):
        sets = [NONE, *map(without, names)]
        draw.shuffle(sets)
        yield from ((patches, draw.random() < 0.5) for patches in sets)


def measure(names: list[str], rounds: int, folder: Path, say: Callable[[str], None]) -> dict[str, list[Pair]]:
    """The pairs of visits, by the patches of the second."""
    found: dict[str, list[Pair]] = {}
    with stack(folder) as (settings, _):
        spark = build_session(settings, folder)
        try:
            small, large = (Sandbox.make(settings, spark, folder / name) for name in ("small", "large"))
            measurement = Measurement(folder, small, large)
            measurement.prepare()
            labels = {NONE: NONE} | {without(name): f"without {name}" for name in names}
            for patches, all_first in order(names, rounds, seed=1):
                pair = measurement.pair(patches, all_first=all_first)
                found.setdefault(patches, []).append(pair)
                for label, visit in zip((EVERY, labels[patches]), pair, strict=True):
                    say(f"{label:28} {visit.line()}")
        finally:
            spark.stop()
    return found


def main() -> None:
    """Measure, print, keep."""
    every = [patch.name for patch in PATCHES]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=every, default=every, metavar="PATCH")
    parser.add_argument("--dry", action="store_true", help="print, and keep nothing")
    options = parser.parse_args()

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - this is a command

    with tempfile.TemporaryDirectory() as folder:
        pairs = measure(options.only, options.rounds, Path(folder), say)
    gains = {name: gain(pairs[without(name)]) for name in options.only}
    for name, found in gains.items():
        say(f"{name:24} {found.sentence()}")
    if not options.dry:
        keep_gains(gains, *(cost(visits) for visits in zip(*pairs[NONE], strict=True)))


if __name__ == "__main__":
    main()
