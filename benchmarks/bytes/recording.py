"""Makes a recording: a stack of its own, payments, batches and builds, then each kind of work once.

Usage: python -m benchmarks.bytes.recording PATH. Belongs here: doing the work, and reading back what the warehouse was
sent and what it then held. Does not belong here: what a recording is (recorded), the arithmetic (meter).
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from google.cloud import bigquery

from benchmarks.bytes.recorded import Recording, Statement, StoredTable, plain, statement_of, stored_table, write
from benchmarks.bytes.volumes import DBT_TMP, Schedule
from benchmarks.harness.figures import ROOT
from benchmarks.harness.stack import stack
from orchestration import names
from orchestration.assets.dbt_models import dbt_call
from orchestration.cli.decisions.erase import carry_out
from orchestration.cli.fraud.queue import queue_sql
from orchestration.control_totals.reports import report
from orchestration.platform.dagster_home import open_instance
from orchestration.resources.bigquery import PaymentsBigQueryResource
from orchestration.resources.broker import BrokerReader
from orchestration.settings import DBT_PROJECT_DIR, StackSettings, child_environment, read_stack_settings
from orchestration.watch.look import look
from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from simulator.sending.simulate import simulate
from spark_jobs.backups.copies import back_up
from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.fraud.labels import Label, label_payment
from spark_jobs.fraud.lists import ListName, Subject, SubjectKind, add
from spark_jobs.sealing.recheck import recheck
from spark_jobs.tables.catalog import DAY_SEALS, LEDGER
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.turns.lease_table import WarehouseLeases
from spark_jobs.utc_days import beginning_of
from spark_jobs.warehouse.client import connect, run

FIRST_EVENTS = 3_000
EVENTS_A_BATCH = 400
BATCHES_LOOKED_BACK_ON = 11
"""Before the first build: the checks of a build look at ten batches again, and the very first has no watermark."""
BATCHES_BEFORE = 4
SEALED_DAYS_AGO = 2
"""Of the newest sealed day, from 03:00 UTC on: it was sealed then, a day after its end."""
SEALED_DAYS_AGO_AT_NIGHT = 3
"""The same at 02:00 UTC, when the night begins."""
CHECK_ROWS_MINUTES = Schedule().check_rows_minutes
"""As with BigQuery by default. So the recorded build's checks of rows do not look."""
ROWS_LOOKED_AT = timedelta(minutes=CHECK_ROWS_MINUTES, seconds=100)
JUDGED = ("model", "reconciliation_summary")
_COMMAND_SECONDS = 900
_MOVED = ("published_at", "min_kafka_timestamp", "watermark")
_CELLS = "select count(distinct concat(currency, region, payment_method)) as found from `{dataset}.payment_metrics`"


@dataclass
class Recorder:
    """A stack at work, and the statements that the warehouse was sent meanwhile, by kind of work."""

    settings: StackSettings
    client: bigquery.Client
    folder: Path
    statements: list[Statement] = field(default_factory=list)
    units: dict[str, float] = field(default_factory=dict)
    tables: dict[str, StoredTable] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)
    events: int = 0
    batches: int = 0
    _seed: int = 0

    def record(self, settings: StackSettings) -> None:
        """Everything, in the order in which a pipeline meets it."""
        spark = build_session(settings.job, self.folder)
        try:
            with Run(spark, settings.job, lambda _: None) as job:
                self._batch(job, FIRST_EVENTS)
                for _ in range(BATCHES_LOOKED_BACK_ON):
                    self._batch(job, EVENTS_A_BATCH)
                with self._kept("rebuild"):
                    self._command("build")
                for _ in range(BATCHES_BEFORE):
                    self._batch(job, EVENTS_A_BATCH)
                with self._kept("batch"):
                    self._batch(job, EVENTS_A_BATCH, reports=False)
                with self._kept("build"):
                    self._command("build")
                with self._looked_an_hour_ago(), self._kept("look", self._is_look):
                    self._command("build")
                with self._kept("watch"):
                    self._look()
                with self._kept("full"):
                    self._command("verify", "--full")
                with self._sealed(SEALED_DAYS_AGO):
                    with self._kept("verify"):
                        self._command("verify")
                    with self._kept("seal"):
                        recheck(self.client, settings.job, lambda seals: seals[-1:])
                with self._sealed(SEALED_DAYS_AGO_AT_NIGHT), self._kept("night"):
                    self._night()
                with self._kept("audit"):
                    self._command("audit", f"{datetime.now(UTC):%Y-%m-%d}")
                with self._kept("decision"):
                    decide_late(
                        self.client,
                        settings.job,
                        Selection().recent(datetime.now(UTC)),
                        Correction.ADMITTED_LATE,
                        decided_by="meter",
                        reason="it",
                    )
                # What the recorder asks for itself is nobody's work.
                payment, day, account = self._example()
                with self._kept("fraud"):
                    self._look_for_fraud(payment, day, account)
                with self._kept("backup"):
                    back_up(self.client, settings.job, f"{settings.job.dataset}_backup")
                with self._kept("turn"):
                    WarehouseLeases(self.client, settings.job).renew("meter", settings.job.turn_lease_seconds)
                # The tables are measured before anything is erased.
                self._measure()
                with self._kept("erasure"):
                    carry_out(self.client, self.settings, account, "measured")
                    self._command("build")
            shutil.rmtree(self.folder / "checkpoints")
            with self._kept("renewal"), Run(spark, settings.job, lambda _: None) as job:
                self._batch(job, EVENTS_A_BATCH, reports=False)
        finally:
            spark.stop()

    def _batch(self, job: Run, events: int, *, reports: bool = True) -> None:
        self._seed += 1
        config = SimulationConfig(events=events, seed=self._seed)
        path = self.folder / f"manifest-{self._seed}.jsonl"
        settings = self.settings.job
        simulate(config, settings.bootstrap_servers, settings.topic, path)
        if reports:
            report(self.client, settings, read_manifest(path))
        while job.drain_once(time.monotonic() + _COMMAND_SECONDS):
            self.batches += 1
        self.events += events

    def _command(self, *arguments: str) -> None:
        """As a person runs it. Raises RuntimeError where it fails; a build whose checks do not all pass is none."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.cli.app", *arguments],
            cwd=ROOT,
            env=child_environment(self.settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        say(f"payments {' '.join(arguments)}: exit {done.returncode}")
        if done.returncode > 1 or done.stderr.strip():
            raise RuntimeError(f"payments {arguments[0]} failed: {done.stderr[-500:]}{done.stdout[-2000:]}")

    def _is_look(self, statement: Statement) -> bool:
        """Whether only a build whose checks of rows look sends it: these checks, and what judges days by payments."""
        kind, _, name = (statement.node or "").partition(" ")
        return (kind, name) == JUDGED or (kind == "test" and name in row_checks())

    @contextmanager
    def _looked_an_hour_ago(self) -> Iterator[None]:
        """As if checks of rows had last looked an hour ago, with the batches of which they look again before that."""
        begun = datetime.now(UTC) - ROWS_LOOKED_AT
        table = self.client.get_table(f"{self._dataset}.int_deliveries__totals")
        looked = f"{BATCHES_LOOKED_BACK_ON}-0-{int(begun.timestamp() * 1_000_000)}"
        table.labels = {**table.labels, "looked": looked}
        self.client.update_table(table, ["labels"])
        second = self._times_of(2)
        self._set_times(2, {"published_at": begun, "min_kafka_timestamp": begun, "watermark": begun - WATERMARK_DELAY})
        yield
        self._set_times(2, second)

    @contextmanager
    def _sealed(self, days_ago: int) -> Iterator[None]:
        """As if the pipeline were old, and all days sealed up to one so many days ago; afterwards it is as it was.

        The first batch, which has no watermark, is of the sealed day then, and the second one is the first since.
        """
        names = ", ".join(column.name for column in DAY_SEALS.columns)
        seals = f"`{self._dataset}.{DAY_SEALS.name}`"
        begun = beginning_of(datetime.now(UTC).date() - timedelta(days=days_ago - 1))
        day = begun - timedelta(days=1)
        first, second = self._times_of(1), self._times_of(2)
        since = {"published_at": begun, "min_kafka_timestamp": begun, "watermark": begun - WATERMARK_DELAY}
        self._set_times(1, first | {"published_at": day})
        self._set_times(2, since)
        run(
            self.client,
            f"""
            insert into {seals} ({names})
            values (1, date '{day:%Y-%m-%d}', 0, '{{}}', 0, 1, '', 0, '', 0, 0, 'meter', '', @sealed_at, '', '')
            """,
            {"sealed_at": day},
        )
        yield
        run(self.client, f"delete from {seals} where true", {})
        self._set_times(1, first)
        self._set_times(2, second)

    def _times_of(self, batch_id: int) -> dict[str, datetime | None]:
        sql = f"select {', '.join(_MOVED)} from `{self._dataset}.{LEDGER.name}` where batch_id = @batch_id"
        [row] = run(self.client, sql, {"batch_id": batch_id})
        return dict(row)

    def _set_times(self, batch_id: int, times: Mapping[str, datetime | None]) -> None:
        texts = {name: moment.isoformat() if moment else None for name, moment in times.items()}
        changed = ", ".join(f"{name} = timestamp(@{name})" for name in texts if texts[name])
        sql = f"update `{self._dataset}.{LEDGER.name}` set {changed} where batch_id = @batch_id"
        run(self.client, sql, {"batch_id": batch_id} | {name: text for name, text in texts.items() if text})

    def _night(self) -> None:
        """As Dagster calls dbt at night. Raises RuntimeError where a model cannot be built."""
        arguments, target = dbt_call(names.RECONCILE_JOB, self.folder, {names.RETURNS})
        folders = ["--project-dir", str(DBT_PROJECT_DIR), "--profiles-dir", str(DBT_PROJECT_DIR)]
        done = subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", *arguments, *folders, "--target-path", str(target)],
            cwd=self.folder,
            env=child_environment(self.settings) | {"DBT_TARGET": "local"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        say(f"dbt at night: exit {done.returncode}")
        if done.returncode > 1:
            raise RuntimeError(f"dbt failed at night: {done.stdout[-2000:]}")

    def _look_for_fraud(self, payment: str, day: date, account: str) -> None:
        job = self.settings.job
        run(self.client, queue_sql(job), {"day": day})
        label_payment(self.client, job, payment, day, Label.FALSE_ALARM, by="meter", reason="it")
        who = Subject(ListName.BLOCK, SubjectKind.SENDER, account)
        add(self.client, job, who, 1, by="meter", reason="it")

    def _look(self) -> None:
        job = self.settings.job
        with open_instance(self.settings) as instance:
            broker = BrokerReader(job.bootstrap_servers, job.topic)
            look(self.settings, broker, PaymentsBigQueryResource.from_job_settings(job), instance)

    def _example(self) -> tuple[str, date, str]:
        """A payment of the newest day, that day, and who paid."""
        sql = f"""
            select transaction_id, date(event_time) as day, sender_account_id
            from `{self._dataset}.payment_transactions` order by event_time desc limit 1
            """
        [row] = run(self.client, sql, {})
        return row["transaction_id"], row["day"], row["sender_account_id"]

    @property
    def _dataset(self) -> str:
        return f"{self.settings.job.project}.{self.settings.job.dataset}"

    @contextmanager
    def _kept(self, work: str, chosen: Callable[[Statement], bool] = lambda _: True) -> Iterator[None]:
        since = datetime.now(UTC)
        yield
        jobs = list(self.client.list_jobs(all_users=True, min_creation_time=since))
        sent = (statement_of(work, job) for job in jobs if isinstance(job, bigquery.QueryJob))
        self.statements += [statement for statement in sent if chosen(statement)]

    def found(self) -> Recording:
        """What was sent, and what the warehouse held."""
        return Recording(datetime.now(UTC), self.units, self.tables, self.views, tuple(self.statements))

    def _measure(self) -> None:
        [cells] = run(self.client, _CELLS.format(dataset=self._dataset), {})
        self.units = {"payments": self.events, "batches": self.batches, "cells": int(cells["found"])}
        self.tables, self.views = self._stored()

    def _stored(self) -> tuple[dict[str, StoredTable], dict[str, str]]:
        tables: dict[str, StoredTable] = {}
        views: dict[str, str] = {}
        for item in self.client.list_tables(self._dataset):
            if DBT_TMP in item.table_id or item.table_id.startswith("staging_"):
                continue
            table = self.client.get_table(item)
            if table.table_type == "VIEW":
                views[table.table_id] = plain(table.view_query)
            else:
                tables[table.table_id] = stored_table(self.client, self._dataset, table)
        return tables, views


@cache
def row_checks() -> frozenset[str]:
    """The checks that read payments or deliveries one by one, as their statements name them."""
    nodes = json.loads((DBT_PROJECT_DIR / "target" / "manifest.json").read_text())["nodes"].values()
    return frozenset(node["name"] for node in nodes if node["resource_type"] == "test" and "rows" in node["tags"])


def say(line: str) -> None:
    """For whoever waits."""
    print(line, flush=True)  # noqa: T201 - this is a command


def record(path: Path) -> None:
    """Make a recording and write it."""
    with tempfile.TemporaryDirectory() as home, stack(Path(home)) as (job, _):
        given = {"PAYMENTS_HOME": home, "PAYMENTS_CHECK_ROWS_MINUTES": str(CHECK_ROWS_MINUTES)}
        settings = read_stack_settings({**given, **job.environment()})
        with connect(settings.job) as client:
            recorder = Recorder(settings, client, Path(home))
            recorder.record(settings)
            found = recorder.found()
    write(found, path)


def main() -> None:
    """Record into the file that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    record(parser.parse_args().path)


if __name__ == "__main__":
    main()
