"""Months of virtual days on a real broker, Spark and warehouse: what is stored stays as much, and what is said is true.

The clock is the warehouse's, set from outside: each virtual day has its batch, its seals and its housekeeping.
"""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from google.cloud import bigquery
from pyspark.sql import SparkSession

from orchestration.automation.events_without_a_run import delete_events_without_a_run
from orchestration.automation.retention import delete_runs
from orchestration.platform.dagster_home import open_instance
from orchestration.resources.dbt_process import build
from orchestration.scenarios.harness.sandbox import event_at
from orchestration.settings import read_stack_settings
from orchestration.verification import ledger_audit
from orchestration.verification.audit_reads import days_of, read_day
from orchestration.verification.proof import Verdict, judge
from orchestration.verification.warehouse_reads import WarehouseReads
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late, undecided
from spark_jobs.corrections.replay import candidates
from spark_jobs.retention.expire import expire
from spark_jobs.sealing.proofs import prove
from spark_jobs.sealing.recheck import recheck
from spark_jobs.sealing.seal_days import seal_days
from spark_jobs.sealing.verify_proof import NotProved, verdict
from spark_jobs.settings import JobSettings
from spark_jobs.source.connection import admin_client, producer
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from tests.counted_asset import counted, is_counted
from tests.world import World

pytestmark = [pytest.mark.integration]

DAY = timedelta(days=1)
KEPT: dict[str, Any] = {
    "keep_raw_days": 7,
    "keep_deliveries_days": 10,
    "keep_payments_days": 32,
    "keep_incidents_days": 8,
}
WEEKS: dict[str, Any] = {
    "keep_raw_days": 3,
    "keep_deliveries_days": 4,
    "keep_payments_days": 8,
    "keep_incidents_days": 3,
    "lookback_days": 1,
}
"""Fewer days than anybody may set, so that two weeks tell as much as months."""
FOLDERS = {"checkpoint files", "checkpoint bytes"}
PAYMENTS_A_DAY = 3
RECORDS_A_DAY = PAYMENTS_A_DAY + 3
"""With a duplicate, a late payment, and a record that is none."""


class Months(World):
    """A sandbox in which the warehouse's clock is set."""

    now: datetime

    def send_of(self, day: date) -> None:
        """A day's records; their sender's clock is of that day as well."""
        noon = datetime.combine(day, time(12), UTC)
        values = [event_at(f"{day}-{number}", noon + timedelta(minutes=number)) for number in range(PAYMENTS_A_DAY)]
        values += [values[0], event_at(f"{day}-late", noon - 3 * DAY, sender_account_id=f"sender-{day}"), b"{"]
        with closing(producer(self.settings.bootstrap_servers)) as sender:
            for value in values:
                sent_at = round(noon.timestamp() * 1000) + 600_000
                sender.send(self.settings.topic, value, key=b"k", partition=0, timestamp_ms=sent_at)
            sender.flush()

    def live(self, day: date) -> None:
        """One day: its records and their batch in the afternoon, and the work of the night."""
        self.now = datetime.combine(day, time(18), UTC)
        self.send_of(day)
        self.drain()
        incident = {"at": self.now, "id": str(day)}
        self.ask(
            "insert into {pipeline_incidents} (incident_id, pipeline, kind, detail, topic, occurred_at) "
            "values (@id, 'payments', 'FENCED', 'x', 't', @at)",
            **incident,
        )
        self.ask(
            "insert into {health_history} (pipeline, metric, value, measured_at) values ('payments', @id, 1.0, @at)",
            **incident,
        )
        self.spend_the_night(day)

    def spend_the_night(self, day: date) -> None:
        """After that day: seal, then expire."""
        self.now = datetime.combine(day + DAY, time(3), UTC)
        list(seal_days(self.client, self.settings, "night", self.now))
        expire(self.client, self.settings, "night", self.now)

    def stored(self) -> dict[str, int]:
        """Rows by table, and the checkpoint folder's files."""
        tables = (catalog.DELIVERIES, catalog.TRANSACTIONS, catalog.INCIDENTS, catalog.HEALTH_HISTORY)
        counts = {table.name: self.ask(f"select count(*) as n from {{{table.name}}}")[0]["n"] for table in tables}
        [raw] = self.ask("select countif(raw_value is not null) as n from {payment_deliveries}")
        files = [path for path in (self.folder / "checkpoints").rglob("*") if path.is_file()]
        sizes = {"checkpoint files": len(files), "checkpoint bytes": sum(path.stat().st_size for path in files)}
        return counts | {"raw values": raw["n"], **sizes}

    def verified(self, *, is_full: bool = True) -> Verdict:
        return judge(self.client, self.settings, None, is_full=is_full)

    def audited(self) -> list[ledger_audit.DayVerdict]:
        with WarehouseReads(self.client, self.settings).at_one_moment() as reads:
            return [ledger_audit.judge(read_day(reads, day)) for day in days_of(reads)]


@contextmanager
def of_months(
    stack: JobSettings, spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch, **kept: Any
) -> Iterator[Months]:
    made = Months.make(stack, spark, folder)
    topic = f"{made.settings.topic}-of-months"
    # Their senders' clocks are months behind: the broker keeps what they send.
    configs = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    with closing(admin_client(stack.bootstrap_servers)) as admin:
        admin.create_topics({topic: {"num_partitions": 1, "configs": configs}}, wait_for_metadata=True)
    made.settings = replace(made.settings, topic=topic, **kept)
    query = bigquery.Client.query

    def at_its_time(client: bigquery.Client, sql: str, **options: Any) -> Any:
        return query(client, sql.replace("current_timestamp()", f"timestamp '{made.now.isoformat(' ')}'"), **options)

    with monkeypatch.context() as patched:
        patched.setattr(bigquery.Client, "query", at_its_time)
        yield made
    made.client.delete_dataset(f"{made.settings.project}.{made.settings.dataset}", delete_contents=True)
    made.client.close()


def live_through(months: Months, first: date, days: int) -> list[dict[str, int]]:
    """What is stored after each day."""
    stored = []
    for number in range(days):
        months.live(first + number * DAY)
        stored.append(months.stored())
    return stored


def prove_what_is_kept(months: Months, first: date, last: date) -> None:
    """Verify, audit, seals and proofs, beside days that have expired; and what a hand changes is found."""
    client, settings = months.client, months.settings
    for is_full in (True, False):
        verified = months.verified(is_full=is_full)
        assert verified.breaks == []
        [held] = verified.partitions
        assert held.delivered == ((last - first).days + 1) * RECORDS_A_DAY, "expired records are counted by the ledger"
    for name, kept_days in (
        ("raw values", settings.keep_raw_days),
        ("deliveries", settings.keep_deliveries_days),
        ("payments", settings.keep_payments_days),
    ):
        assert verified.expired_days()[name].kept_from == last + DAY - kept_days * DAY
    days = months.audited()
    assert all(day.is_good for day in days)
    assert len(days) == (last - first).days + 1
    assert "expired" in days[0].batches[0].detail
    broken, rechecked = recheck(client, settings, lambda seals: seals)
    assert broken == []
    assert all(day.is_good for day in rechecked)
    assert len(months.rows(catalog.DAY_SEALS)) > len(rechecked), "the seals of expired days stay"
    with pytest.raises(NotProved, match="have expired"):
        prove(client, settings, f"{first + DAY}-0", first + DAY)
    kept = last - 3 * DAY
    assert verdict(prove(client, settings, f"{kept}-0", kept)).startswith(f"{kept}-0 is counted once")

    for change, back in (
        ("update {payment_transactions} set amount_minor = 9 where transaction_id = @id", "amount_minor = 1230"),
        ("update {payment_deliveries} set amount_minor = 9 where transaction_id = @id", "amount_minor = 1230"),
    ):
        name = f"{last - 2 * DAY}-1"
        months.ask(change, id=name)
        assert months.verified().breaks != []
        months.ask(change.replace("amount_minor = 9", back), id=name)
        assert months.verified().breaks == []
    months.ask("delete from {payment_deliveries} where transaction_id = @id", id=f"{last - 2 * DAY}-1")
    assert months.verified().breaks != []


def prove_that_stored_stays_as_much(stored: list[dict[str, int]], *folders: str) -> None:
    """From these days on. What is in `folders` goes up and down a little: it is tidied every so many batches."""
    for name in stored[0].keys() - FOLDERS:
        assert len({row[name] for row in stored}) == 1, (name, stored)
    middle = len(stored) // 2
    for name in folders:
        before, after = (max(row[name] for row in half) for half in (stored[:middle], stored[middle:]))
        assert after <= before * 1.05, (name, stored)


def built(months: Months) -> dict[str, str]:
    """What is not green of a build with all its checks."""
    folder = months.folder / "dbt"
    env = {**os.environ, **months.settings.environment(), "DBT_TARGET": "local"}
    build("build", folder, env, "--exclude-resource-type", "unit_test", timeout_seconds=400)
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    return {r["unique_id"]: r["status"] for r in results if r["status"] not in ("success", "pass")}


@pytest.mark.thorough
def test_days_expire_once_they_are_sealed_and_what_is_said_of_them_stays_true(
    stack: JobSettings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days, today = 12, datetime.now(UTC).date()
    first = today - days * DAY
    last = first + (days - 1) * DAY
    with of_months(stack, spark, tmp_path, monkeypatch, **WEEKS) as months:
        prove_that_stored_stays_as_much(live_through(months, first, days)[-3:])
        assert len(undecided(months.client, months.settings, Selection())) < 7, "what has no value is not decided"
        assert len(candidates(months.client, months.settings, Selection())) < 7
        decided = decide_late(
            months.client,
            months.settings,
            Selection(),
            Correction.ADMITTED_LATE,
            decided_by="ann",
            reason="it is money",
        )
        assert [decision.payment["transaction_id"] for decision in decided] == [f"{last - DAY}-late", f"{last}-late"]
        prove_what_is_kept(months, first, last)


@pytest.mark.thorough
def test_a_build_misses_nothing_that_has_expired(
    stack: JobSettings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = datetime.now(UTC).date() - 9 * DAY
    with of_months(stack, spark, tmp_path, monkeypatch, **WEEKS) as months:
        live_through(months, first, 8)
        assert months.verified().expired_batches > 0
        assert built(months) == {}
        months.live(first + 8 * DAY)
        assert built(months) == {}


@pytest.mark.long
def test_a_year_leaves_as_much_as_two_months(
    stack: JobSettings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days, today = int(os.environ.get("PAYMENTS_VIRTUAL_DAYS", "365")), datetime.now(UTC).date()
    first = today - days * DAY
    with of_months(stack, spark, tmp_path, monkeypatch, **KEPT) as months:
        stored = live_through(months, first, days)
        prove_that_stored_stays_as_much(stored[60:], *FOLDERS)
        prove_what_is_kept(months, first, first + (days - 1) * DAY)


@pytest.mark.thorough
def test_dagsters_own_records_stay_as_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run stands for a day, and those of two days are kept."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    ends, sizes = [], []
    with open_instance(read_stack_settings({"PAYMENTS_HOME": str(tmp_path)})) as instance:
        for _ in range(20):
            dg.materialize([counted, is_counted], instance=instance)
            ends.append(datetime.now(UTC))
            before = ends[-3] if len(ends) > 2 else ends[0] - DAY
            delete_runs(instance, before)
            delete_events_without_a_run(instance, before)
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            database = sum(path.stat().st_size for path in files if path.suffix == ".db")
            sizes.append((len(instance.get_runs()), len(files), database))
    for runs_files_bytes in zip(*sizes[5:], strict=True):
        assert max(runs_files_bytes) <= runs_files_bytes[0] * 1.01, sizes
