"""Makes a recording: a stack of its own, payments, batches and builds, then each kind of work once.

Usage: python -m benchmarks.bytes.recording PATH. Belongs here: doing the work, and reading back what the warehouse was
sent and what it then held. Does not belong here: what a recording is (recorded), the arithmetic (meter).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.cloud import bigquery

from benchmarks.bytes.recorded import Recording, Statement, StoredTable, node_of, plain, write
from benchmarks.bytes.volumes import DBT_TMP
from benchmarks.harness.figures import ROOT
from benchmarks.harness.stack import stack
from orchestration.cli.decisions.erase import carry_out
from orchestration.control_totals.reports import report
from orchestration.platform.dagster_home import open_instance
from orchestration.resources.bigquery import PaymentsBigQueryResource
from orchestration.resources.broker import BrokerReader
from orchestration.settings import StackSettings, child_environment, read_stack_settings
from orchestration.watch.look import look
from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from simulator.sending.simulate import simulate
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.warehouse.client import connect, run

FIRST_EVENTS = 3_000
EVENTS_A_BATCH = 400
BATCHES_LOOKED_BACK_ON = 11
"""Before the first build: the checks of a build look at ten batches again, and the very first has no watermark."""
BATCHES_BEFORE = 4
_COMMAND_SECONDS = 900
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
                with self._kept("watch"):
                    self._look()
                with self._kept("verify"):
                    self._command("verify")
                with self._kept("audit"):
                    self._command("audit", f"{datetime.now(UTC):%Y-%m-%d}")
                with self._kept("decision"):
                    decide_late(
                        self.client,
                        settings.job,
                        Selection(),
                        Correction.ADMITTED_LATE,
                        decided_by="meter",
                        reason="it",
                    )
                # The tables are measured before anything is erased.
                self._measure()
                with self._kept("erasure"):
                    carry_out(self.client, self.settings, self._account(), "measured")
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

    def _look(self) -> None:
        job = self.settings.job
        with open_instance(self.settings) as instance:
            broker = BrokerReader(job.bootstrap_servers, job.topic)
            look(self.settings, broker, PaymentsBigQueryResource.from_job_settings(job), instance)

    def _account(self) -> str:
        [row] = run(
            self.client,
            f"select any_value(sender_account_id) as account from `{self._dataset}.payment_transactions`",
            {},
        )
        return str(row["account"])

    @property
    def _dataset(self) -> str:
        return f"{self.settings.job.project}.{self.settings.job.dataset}"

    @contextmanager
    def _kept(self, work: str) -> Iterator[None]:
        since = datetime.now(UTC)
        yield
        jobs = list(self.client.list_jobs(all_users=True, min_creation_time=since))
        self.statements += [_statement(work, job) for job in jobs if isinstance(job, bigquery.QueryJob)]

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
                tables[table.table_id] = self._table(table)
        return tables, views

    def _table(self, table: bigquery.Table) -> StoredTable:
        sizes = ", ".join(f"sum({_bytes_sql(column)}) as {column.name}" for column in table.schema)
        sql = f"select count(*) as row_count_, {sizes} from `{self._dataset}.{table.table_id}`"
        [row] = run(self.client, sql, {})
        rows = int(row.pop("row_count_"))
        return StoredTable(
            columns={column.name: _type(column) for column in table.schema},
            partition_by=table.time_partitioning.field if table.time_partitioning else None,
            rows=rows,
            cluster_by=tuple(table.clustering_fields or ()),
            column_bytes={name: round(float(total or 0) / max(rows, 1), 3) for name, total in row.items()},
        )


FIXED_BYTES = {"NUMERIC": 16, "BOOL": 1, "BOOLEAN": 1}
"""BigQuery's logical bytes of a value, where they are not 8; of a text or bytes they are 2 and its length."""


def _bytes_sql(column: bigquery.SchemaField) -> str:
    """A row's logical bytes of one column: nothing for NULL."""
    one = "2 + byte_length({})" if column.field_type in ("STRING", "BYTES") else str(_fixed(column.field_type))
    if column.mode == "REPEATED":
        return f"(select coalesce(sum({one.format('item')}), 0) from unnest({column.name}) as item)"
    return f"if({column.name} is null, 0, {one.format(column.name)})"


def _fixed(kind: str) -> int:
    return FIXED_BYTES.get(kind, 8)


def _type(column: bigquery.SchemaField) -> str:
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(column.field_type, column.field_type)
    return f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind


def _statement(work: str, job: bigquery.QueryJob) -> Statement:
    node = node_of(job.query)
    if work == "build" and node and node.startswith("test"):
        work = "check"
    # As they were sent: the client cannot read a NULL within a struct back.
    sent = job.to_api_repr()["configuration"]["query"].get("queryParameters", ())
    return Statement(work, plain(job.query), job.created or datetime.now(UTC), tuple(sent), node)


def say(line: str) -> None:
    """For whoever waits."""
    print(line, flush=True)  # noqa: T201 - this is a command


def record(path: Path) -> None:
    """Make a recording and write it."""
    with tempfile.TemporaryDirectory() as home, stack(Path(home)) as (job, _):
        settings = read_stack_settings({"PAYMENTS_HOME": home, **job.environment()})
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
