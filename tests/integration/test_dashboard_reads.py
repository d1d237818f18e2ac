"""What the page of ids reads, and the history that the watch keeps, on a real warehouse.

dbt's relations are views made by hand here, of the columns that the statements name.
"""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestration.dashboard.gathering import ask_one
from orchestration.dashboard.ids.samples import CONFLICTS, QUARANTINED, read_samples
from orchestration.dashboard.remedies import open_incidents
from orchestration.dashboard.statements import HISTORY, INCIDENTS
from orchestration.settings import StackSettings, read_stack_settings
from orchestration.watch.history import keep
from spark_jobs.settings import JobSettings
from spark_jobs.tables.names import sql_names
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.table_setup import ensure_tables
from tests.statements import Statements

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC).replace(microsecond=0)
READER = {"payments_reader": "anna"}


@pytest.fixture(scope="module")
def settings(warehouse: JobSettings, tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    """A dataset of its own with the product's tables."""
    job = replace(warehouse, dataset=f"page_{uuid.uuid4().hex[:8]}")
    env = {"PAYMENTS_HOME": str(tmp_path_factory.mktemp("page")), "BIGQUERY_EMULATOR_HOST": job.emulator_host or ""}
    with connect(job) as client:
        ensure_tables(client, job)
    return replace(read_stack_settings(env), job=job)


@pytest.fixture
def noted(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever table of ours a statement names, Google's own analyzer has to accept it."""
    with statements.recorded(monkeypatch):
        yield
    statements.check()


def ask(settings: StackSettings, sql: str) -> list[dict[str, Any]]:
    names = sql_names(settings.job, "payment_conflicts", "stg_payments__transactions")
    with connect(settings.job) as client:
        return run(client, sql.format(**names), {})


def delivered(disposition: str, offset: int, days_ago: int, value: str) -> str:
    """A statement that adds a delivery."""
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return f"""
        insert into {{payment_deliveries}}
            (topic, kafka_partition, kafka_offset, kafka_timestamp, disposition, reasons, transaction_id, value_sha256,
             raw_value, batch_id)
        values ('payment-events', 0, {offset}, timestamp '{at}', '{disposition}', ['AMOUNT_MISSING', 'CURRENCY'],
            'tx-{offset}', b'0', b'{value}', 1)
        """


def test_the_page_of_ids_reads_quarantined_records_of_a_day_and_undecided_conflicts(settings: StackSettings) -> None:
    ask(settings, delivered("QUARANTINED", 17, 0, "sender acc-9"))
    ask(settings, delivered("QUARANTINED", 18, 2, "of before"))
    ask(settings, delivered("DUPLICATE", 19, 0, "another"))
    ask(
        settings,
        """
        create view {payment_conflicts} as
        select 'tx-2' as transaction_id, 'payment-events/1/8' as published_offset, 2 as payloads,
            numeric '12.5' as exposure_eur, current_timestamp() as last_payload_at, false as is_decided
        union all
        select 'tx-3', 'payment-events/1/9', 2, numeric '1', current_timestamp(), true
        """,
    )
    ask(
        settings,
        """
        create view {stg_payments__transactions} as
        select 'tx-2' as transaction_id, 'acc-1' as sender_account_id, 'acc-2' as receiver_account_id
        """,
    )
    found = read_samples(settings, READER)
    assert [sample.trouble for sample in found.values()] == ["", ""]
    [record] = found[QUARANTINED].rows
    assert (record["place"], record["transaction_id"], record["record"]) == (
        "payment-events/0/17",
        "tx-17",
        b"sender acc-9",
    )
    assert record["reasons"] == "AMOUNT_MISSING, CURRENCY"
    [conflict] = found[CONFLICTS].rows
    assert (conflict["transaction_id"], conflict["sender_account_id"]) == ("tx-2", "acc-1")


def test_a_warehouse_that_is_away_is_said_in_each_section(settings: StackSettings) -> None:
    away = replace(settings, job=replace(settings.job, dataset="nowhere_at_all"))
    found = read_samples(away, READER)
    assert all(sample.trouble and not sample.rows for sample in found.values())


@pytest.mark.usefixtures("noted")
def test_the_watch_keeps_a_day_that_is_there_when_the_page_is_first_opened(settings: StackSettings) -> None:
    begun = NOW.replace(minute=0, second=0)
    values = [99.5, 100.0, 98.0]
    with connect(settings.job) as client:
        for number, value in enumerate(values):
            rows = [{"metric": "reconciliation_pct", "value": value}, {"metric": "state_size_mb", "value": 7}]
            keep(client, settings.job, rows, begun - timedelta(minutes=60 - 5 * number))
        keep(client, settings.job, [{"metric": "reconciliation_pct", "value": 1}], begun - timedelta(days=2))
    section = ask_one(settings, HISTORY)
    assert section.trouble == ""
    assert [(row["metric"], row["least"], row["most"]) for row in section.rows] == [("reconciliation_pct", 98.0, 100.0)]


@pytest.mark.usefixtures("noted")
def test_a_loss_that_was_accepted_is_settled_also_where_nothing_comes_behind_it(settings: StackSettings) -> None:
    pipeline, seen = settings.job.pipeline, [("lost", "OFFSETS_LOST", 30), ("failed", "LOAD_FAILED", 30)]
    for name, kind, minutes in (*seen, ("lost-again", "OFFSETS_LOST", 5)):
        at = f"timestamp_sub(current_timestamp(), interval {minutes} minute)"
        ask(
            settings,
            f"""
            insert into {{pipeline_incidents}} (incident_id, pipeline, kind, detail, topic, occurred_at)
            values ('{name}', '{pipeline}', '{kind}', '{kind}: ...', 'payment-events', {at})
            """,
        )
    ask(
        settings,
        f"""
        insert into {{accepted_gaps}}
            (pipeline, topic, kafka_partition, start_offset, end_offset, accepted_by, reason, accepted_at)
        values ('{pipeline}', 'payment-events', 0, 2, 6, 'operator', 'retention',
            timestamp_sub(current_timestamp(), interval 10 minute))
        """,
    )
    section = ask_one(settings, INCIDENTS)
    assert section.trouble == ""
    assert {row["incident_id"] for row in section.rows if row["settled_at"]} == {"lost"}
    assert {row["incident_id"] for row in open_incidents(section.rows)} == {"failed", "lost-again"}


def test_a_history_that_cannot_be_kept_stops_no_watch(
    settings: StackSettings, caplog: pytest.LogCaptureFixture
) -> None:
    older = replace(settings.job, dataset="nowhere_at_all")
    with connect(older) as client:
        keep(client, older, [{"metric": "reconciliation_pct", "value": 1}], NOW.replace(minute=0))
    assert "The history of health is not kept" in caplog.text
