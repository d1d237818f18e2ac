"""A build after one more day's batch, beside one kept day and beside many, in the local warehouse.

Usage: python -m benchmarks.one_machine.days [--days N ...] [--payments N] [--step N] [--rounds N] [--folder FOLDER]
[--minutes N] [--dry]. Writes a table and figures into docs/performance.md. With --folder the warehouse stays there: a
later call with the same folder goes on where this one stopped, as after --minutes.

Belongs here: the order of days and builds. Does not belong here: what a day is (past), a build (builds), figures
(report). The past is built in steps of some days, each with every check, as a pipeline at work would have done it: one
build of all of it would be a statement over all payments, which the local warehouse ends after two minutes.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from google.cloud import bigquery

from benchmarks.harness.figures import ROOT, keep, write_table
from benchmarks.harness.stack import leave_on_sigterm
from benchmarks.one_machine.builds import Build, measured_build
from benchmarks.one_machine.past import LEAST_PAYMENTS, Traffic
from benchmarks.one_machine.report import builds_table, figures, growth
from local_stack.bigquery.emulator import Warehouse
from local_stack.sandbox_home import borrow, free_addresses
from orchestration.backtest.run import filled
from orchestration.settings import child_environment, read_stack_settings
from spark_jobs.sealing.seal_days import seal_days
from spark_jobs.settings import JobSettings, read_job_settings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.loads import load_rows
from spark_jobs.warehouse.table_setup import ensure_tables

PAGE = ROOT / "docs" / "performance.md"
DAYS, PAYMENTS, STEP, ROUNDS = (1, 29, 90), 200_000, 2, 3
"""With 29 kept days an account's history is full: the fraud scores look back 28 days and the day before."""

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """Days from number `since` until before `until`, and the build after them. `kept` is set where it is measured."""

    since: int
    until: int
    kept: int | None = None


def steps(days: Sequence[int], step: int, rounds: int) -> Iterator[Step]:
    """The past in steps, and beside each number of kept days so many measured builds, each of one more day."""
    there = 0
    for kept in sorted(set(days)):
        while there < kept:
            until = min(kept, there + step)
            yield Step(there, until)
            there = until
        for _ in range(rounds):
            yield Step(there, there + 1, kept)
            there += 1


@dataclass
class Measurement:
    """A warehouse with days of payments, in a folder."""

    folder: Path
    settings: JobSettings
    client: bigquery.Client
    warehouse_pid: int
    traffic: Traffic
    say: Say
    found: dict[int, list[Build]] = field(default_factory=dict)
    built: int = 0
    """Days that the last build has seen."""

    def days(self) -> int:
        """How many there are."""
        control = read_control(self.client, self.settings)
        return self.traffic.days_until(control.last_batch_id) if control else 0

    def take(self, step: Step) -> None:
        """Add the days, and build."""
        began = time.monotonic()
        self._fill(step)
        filled_seconds = time.monotonic() - began
        done = self.build()
        self.built = step.until
        if step.kept is not None:
            self.found.setdefault(step.kept, []).append(done)
        self.remember()
        what = "measured" if step.kept is not None else "the past"
        self.say(f"day {step.until} ({what}): filled in {filled_seconds:.1f} s; built in {done.line()}")

    def remember(self) -> None:
        """Write down what a later call has to know."""
        builds = {kept: [asdict(one) for one in found] for kept, found in self.found.items()}
        of_traffic = {"first_day": self.traffic.first_day.isoformat(), "payments": self.traffic.payments}
        told = of_traffic | {"built": self.built, "builds": builds}
        _memory(self.folder).write_text(json.dumps(told))

    def _fill(self, step: Step) -> None:
        dataset = f"{self.settings.project}.{self.settings.dataset}"
        for statement in self.traffic.statements(dataset, step.since, step.until):
            run(self.client, statement, {})
        load_rows(self.client, self.settings, catalog.KAFKA_OFFSETS, self.traffic.broker(step.until), replace=True)
        control = filled(catalog.CONTROL, **self.traffic.control(step.until))
        load_rows(self.client, self.settings, catalog.CONTROL, [control], replace=True)
        # As each night does: days that are over are sealed, once.
        now = self.traffic.published_at(self.traffic.last_batch(step.until))
        for _ in seal_days(self.client, self.settings, "benchmark", now):
            pass

    def build(self) -> Build:
        """As the platform's builds."""
        env = {**os.environ, **self.settings.environment(), "PAYMENTS_HOME": str(self.folder)}
        settings = read_stack_settings(env)
        return measured_build(self.folder / "dbt", child_environment(settings, env), self.warehouse_pid)


@contextmanager
def opened(folder: Path, payments: int, days: int, say: Say) -> Iterator[Measurement]:
    """The warehouse of the folder, which it gets where it has none, with what was measured in it."""
    leave_on_sigterm()
    memory, found, built = _memory(folder), {}, 0
    if memory.exists():
        told = json.loads(memory.read_text())
        traffic = Traffic(date.fromisoformat(told["first_day"]), told["payments"])
        found = {int(kept): [Build(**one) for one in builds] for kept, builds in told["builds"].items()}
        built = told["built"]
    else:
        traffic = Traffic(datetime.now(UTC).date() - timedelta(days=days), payments)
        borrow(folder)
    settings = read_job_settings({"PAYMENTS_HOME": str(folder)} | free_addresses())
    warehouse = Warehouse(folder, settings.emulator_host or "", settings.project)
    try:
        warehouse.start()
        with connect(settings) as client:
            ensure_tables(client, settings)
            measurement = Measurement(folder, settings, client, warehouse.pid() or 0, traffic, say, found, built)
            measurement.remember()
            yield measurement
    finally:
        warehouse.stop()


def _memory(folder: Path) -> Path:
    return folder / "measured.json"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=DAYS, help="kept before measured builds")
    parser.add_argument("--payments", type=int, default=PAYMENTS, help=f"a day, a multiple of {LEAST_PAYMENTS}")
    parser.add_argument("--step", type=int, default=STEP, help="days of the past before each build")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="measured builds")
    parser.add_argument("--folder", type=Path, help="where the warehouse stays")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no step later")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - this is a command

    plan = list(steps(options.days, options.step, options.rounds))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with opened(folder, options.payments, plan[-1].until, say) as measurement:
            there = measurement.days()
            if there != measurement.built:
                # A build that was ended is no measurement, nor is the next one, which has its work to do.
                say(f"day {there} (what was left): built in {measurement.build().line()}")
                measurement.built = there
                measurement.remember()
            for step in plan:
                if step.until <= there:
                    continue
                if step.since < there:
                    parser.error(f"{there} days are there already, and no step of these options ends with them.")
                if time.monotonic() > deadline:
                    say(f"{step.since} of {plan[-1].until} days are there: the same call goes on.")
                    return
                measurement.take(step)
            found, payments = measurement.found, measurement.traffic.payments
    shown = builds_table(found, payments)
    say(shown)
    for name, few, many in growth(found, 8):
        say(f"{name}: {few:.1f} s, then {many:.1f} s")
    if not options.dry:
        write_table(PAGE, "kept-days", shown)
        keep(figures(found, payments))


if __name__ == "__main__":
    main()
