"""Records dbt's statements about accounts' history anew, on a month of payments, into the kept recording.

Usage: python -m benchmarks.history.month. Belongs here: the payments, three builds (of everything, one that has
nothing due, and one after an hour), and putting what they sent in the place of what the recording has. Does not belong
here: what else is recorded (bytes).
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from benchmarks.bytes.page import KEPT
from benchmarks.bytes.recorded import Recording, Statement, plain, read, statement_of, stored_table, write
from local_stack.bigquery.emulator import Warehouse
from local_stack.sandbox_home import own_environment
from orchestration.backtest.run import BacktestConfig, filled, labelled_payments, row_of
from orchestration.settings import DBT_PROJECT_DIR, child_environment, read_stack_settings
from spark_jobs.settings import JobSettings, read_job_settings
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.loads import load_rows
from spark_jobs.warehouse.table_setup import ensure_tables

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunner

DAYS = 31
EVENTS = 6_000
MART, METRICS, MARKED = "payment_transactions_fraud", "payment_metrics", "int_deliveries__totals"
MEMORY = ("int_accounts__days", "int_accounts__habits")
ALERTS = "int_payments__alerted"
VIEWS = ("payment_fraud_scores", "payment_fraud_current", "fraud_alert_queue")
CHECKS = (
    f"unique_{MART}_transaction_id",
    f"not_null_{MART}_amount_eur",
    f"not_null_{MART}_rule_version",
    "scores_are_between_0_and_100_and_explained",
)
NODES = (*MEMORY, MART, ALERTS, *VIEWS, *CHECKS)
FORMER = ("int_payments__sender_signals", "int_payments__network_signals")
"""Which the recording has no more."""
WATERMARK, HOUR = timedelta(hours=1), timedelta(hours=1)
"""What a batch carries in trails the newest payment; what is built once an hour begins where the last build ended."""


_OPTIONS = {1: ("--full-refresh",), 2: ("--vars", "fraud_build_minutes: 99999999"), 3: ()}
"""Of each build. Before the second an hour has passed by the warehouse's clock, and its batch waits."""


@dataclass
class HistoryRecorder:
    """A warehouse with a month of payments in three batches: all but an hour, some minutes, and the rest."""

    settings: JobSettings
    client: bigquery.Client
    folder: Path
    now: datetime
    statements: list[Statement] = field(default_factory=list)
    _runner: "dbtRunner | None" = None

    def record(self) -> None:
        """The builds, one after the other."""
        since = self.now - HOUR
        payments = list(self._payments())
        batches = [
            [row for row in payments if row["event_time"] < _text(since)],
            [row for row in payments if _text(since) <= row["event_time"] < _text(since + timedelta(minutes=5))],
            [row for row in payments if row["event_time"] >= _text(since + timedelta(minutes=5))],
        ]
        for number, (work, check) in enumerate((("rebuild", "rebuild"), ("build", "check"), ("hour", "hour")), start=1):
            passed = (timedelta(0), timedelta(minutes=5), HOUR)[number - 1]
            self._publish(number, batches[number - 1], since + passed)
            with self._kept(work, check):
                self._build(*_OPTIONS[number])
            self._tell_that_all_is_green()

    def _payments(self) -> Iterator[dict[str, Any]]:
        """The backtest's, as though they had been made until now."""
        config = BacktestConfig(events=EVENTS, seed=1, days=DAYS)
        for number, payment in enumerate(labelled_payments(config)):
            row = row_of(number, payment)
            moment = datetime.fromisoformat(row["event_time"]) + (self.now - config.ends_at)
            yield row | {"event_time": _text(moment), "kafka_timestamp": _text(moment)}

    def _publish(self, number: int, rows: list[dict[str, Any]], at: datetime) -> None:
        rows = [row | {"batch_id": number} for row in rows]
        load_rows(self.client, self.settings, catalog.TRANSACTIONS, rows, replace=False)
        watermark = _text(at - WATERMARK)
        told = {"batch_id": number, "watermark": watermark, "published_at": _text(at), "started_at": _text(at)}
        load_rows(self.client, self.settings, catalog.LEDGER, [filled(catalog.LEDGER, **told)], replace=False)
        control = filled(catalog.CONTROL, last_batch_id=number, updated_at=_text(at))
        load_rows(self.client, self.settings, catalog.CONTROL, [control], replace=True)

    def _build(self, *options: str) -> None:
        """In this process, which reads the project once."""
        chosen = (
            "--select",
            *(f"+{name}" for name in (METRICS, MARKED, *VIEWS)),
            *CHECKS,
            "--indirect-selection",
            "empty",
        )
        left_out = ("--exclude-resource-type", "unit_test")
        done = self._dbt().invoke(["build", *self._folders(), *options, *chosen, *left_out])
        results = getattr(done.result, "results", ())
        if failed := [each.node.name for each in results if each.status not in ("success", "pass")]:
            raise RuntimeError(f"dbt could not build {', '.join(failed)}")
        if not done.success:
            raise RuntimeError(f"dbt could not build: {done.exception}")

    def _dbt(self) -> "dbtRunner":
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        if self._runner is None:
            settings = read_stack_settings(self.settings.environment() | {"PAYMENTS_HOME": str(self.folder)})
            os.environ.update(child_environment(settings))
            manifest = dbtRunner().invoke(["parse", *self._folders()]).result
            self._runner = dbtRunner(manifest if isinstance(manifest, Manifest) else None)
        return self._runner

    def _folders(self) -> list[str]:
        at = {"project-dir": DBT_PROJECT_DIR, "profiles-dir": DBT_PROJECT_DIR, "target-path": self.folder / "target"}
        # A log's file would stay open for as long as this process lives.
        return [*(f"--{name}={path}" for name, path in at.items()), "--log-level-file", "none", "--quiet"]

    def _tell_that_all_is_green(self) -> None:
        """As a build tells whose checks are all there: this one has a part of them."""
        table = self._table(MARKED)
        seen = "-".join(self._table(MART).labels["built"].split("-")[:3])
        table.labels = {**table.labels, "checked": seen, "looked": seen}
        self.client.update_table(table, ["labels"])

    @contextmanager
    def _kept(self, work: str, check: str) -> Iterator[None]:
        since = datetime.now(UTC)
        yield
        jobs = list(self.client.list_jobs(all_users=True, min_creation_time=since))
        sent = [statement_of(work, job) for job in jobs if isinstance(job, bigquery.QueryJob)]
        for each in sent:
            kind, _, name = (each.node or "").partition(" ")
            if name in NODES:
                self.statements.append(replace(each, work=check if kind == "test" else work))
        say(f"{work}: {len(sent)} statements")

    def _table(self, name: str) -> bigquery.Table:
        return self.client.get_table(f"{self._dataset}.{name}")

    @property
    def _dataset(self) -> str:
        return f"{self.settings.project}.{self.settings.dataset}"

    def into(self, kept: Recording) -> Recording:
        """The recording with these statements, views and tables in the place of its own."""
        payments = kept.units["payments"]
        tables = {name: table for name, table in kept.tables.items() if name not in FORMER}
        for name in (MART, ALERTS, *MEMORY):
            found = stored_table(self.client, self._dataset, self._table(name))
            tables[name] = replace(found, rows=round(payments * self._rows_a_payment(name)))
        views = {**kept.views, **{name: plain(self._table(name).view_query) for name in VIEWS}}
        others = [s for s in kept.statements if (s.node or "").partition(" ")[2] not in (*NODES, *FORMER)]
        return replace(kept, tables=tables, views=views, statements=(*others, *self.statements))

    def _rows_a_payment(self, name: str) -> float:
        """How many rows of a day's partition there are for each payment of a day."""
        if name == MART:
            return 1.0
        if name == ALERTS:
            return self._alerts_a_payment()
        sql = f"select count(*) as found from `{self._dataset}.{name}` group by day order by day"
        days = [int(row["found"]) for row in run(self.client, sql, {})]
        # What is known on a day grows until the history is full: the last day counts. The first day began in its midst.
        rows = days[-1] if name == MEMORY[1] else sum(days[1:]) / len(days[1:])
        return rows / (EVENTS / DAYS)

    def _alerts_a_payment(self) -> float:
        """Of the days that are kept of them, how many of the mart's payments may be an alert."""
        alerts, mart = (f"`{self._dataset}.{name}`" for name in (ALERTS, MART))
        since = f"select min(timestamp_trunc(event_time, day)) from {alerts}"
        sql = f"""
            select (select count(*) from {alerts}) / count(*) as found from {mart} where event_time >= ({since})
            """
        [row] = run(self.client, sql, {})
        return float(row["found"])


def say(line: str) -> None:
    """For whoever waits."""
    print(line, flush=True)  # noqa: T201 - this is a command


def _text(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="microseconds")


def main() -> None:
    """Record, and write the recording."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        settings = read_job_settings(own_environment(folder))
        warehouse = Warehouse(folder, settings.emulator_host or "", settings.project)
        try:
            warehouse.start()
            with connect(settings) as client:
                ensure_tables(client, settings)
                recorder = HistoryRecorder(settings, client, folder, datetime.now(UTC))
                recorder.record()
                write(recorder.into(read(KEPT)), KEPT)
        finally:
            warehouse.stop()
    say(json.dumps({"statements": len(recorder.statements)}))


if __name__ == "__main__":
    main()
