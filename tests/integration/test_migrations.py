"""A dataset is brought to the product's version: what is added by whoever comes first, a larger step when asked."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud import bigquery

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables import migrations
from spark_jobs.tables.catalog import CONTROL, INCIDENTS, LEDGER_PARTITIONS, SCHEMA_MIGRATIONS, TABLES, Table
from spark_jobs.tables.migrations import Migration, newest_version
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.larger_steps import bytes_read, migrate, statements_of
from spark_jobs.warehouse.schema_version import VERSION_LABEL, set_version, version_of
from spark_jobs.warehouse.table_setup import ensure_tables, look, schema_of
from tests.integration.command import PAYMENTS

pytestmark = pytest.mark.integration

ADDED = Migration(2, "where an incident was", columns={INCIDENTS: ("start_offset", "end_offset")})
LARGER = Migration(
    3,
    "incidents of old are at offset 0",
    statements=("update {pipeline_incidents} set start_offset = 0 where start_offset is null",),
)
CHAIN = (ADDED, LARGER)


@pytest.fixture
def settings(stack: JobSettings) -> JobSettings:
    return replace(stack, dataset=f"migrations_{uuid.uuid4().hex[:8]}")


@pytest.fixture
def client(settings: JobSettings) -> Iterator[bigquery.Client]:
    client = connect(settings)
    yield client
    client.delete_dataset(f"{settings.project}.{settings.dataset}", delete_contents=True, not_found_ok=True)
    client.close()


def make_older(client: bigquery.Client, settings: JobSettings) -> None:
    """The tables before ADDED, without a version, with a run at work and an incident."""
    client.create_dataset(f"{settings.project}.{settings.dataset}")
    lacking = ADDED.columns[INCIDENTS]
    for table in (CONTROL, INCIDENTS):
        columns = [field for field in schema_of(table) if table is CONTROL or field.name not in lacking]
        client.create_table(bigquery.Table(table_id(settings, table), schema=columns))
    run(
        client,
        f"""
        insert into `{table_id(settings, CONTROL)}` (pipeline, topic, topic_id, epoch, holder, generation,
            last_batch_id, end_offsets, updated_at, correction_count, replay_count, erasure_count, digest)
        values ('payments', 't', 'id', 4, 'run', 'g', 0, '{{}}', current_timestamp(), 0, 0, 0, '')
        """,
        {},
    )
    run(
        client,
        f"""
        insert into `{table_id(settings, INCIDENTS)}` (incident_id, pipeline, kind, detail, topic, occurred_at)
        values ('one', 'payments', 'FENCED', 'so', 't', current_timestamp())
        """,
        {},
    )


def version(client: bigquery.Client, settings: JobSettings) -> int:
    return version_of(client.get_table(table_id(settings, CONTROL)).labels)


def columns_of(client: bigquery.Client, settings: JobSettings, table: Table) -> list[str]:
    return [field.name for field in client.get_table(table_id(settings, table)).schema]


def rows_of(client: bigquery.Client, settings: JobSettings, table: Table) -> list[dict[str, Any]]:
    return run(client, f"select * from `{table_id(settings, table)}`", {})


def test_a_new_dataset_is_of_the_newest_version_and_says_so(client: bigquery.Client, settings: JobSettings) -> None:
    ensure_tables(client, settings)
    assert look(client, settings).tables == {table.name for table in TABLES}
    assert version(client, settings) == newest_version()
    [made] = rows_of(client, settings, SCHEMA_MIGRATIONS)
    assert (made["version"], made["description"]) == (newest_version(), "the dataset was made")
    assert made["applied_by"]


def test_where_nothing_is_due_a_start_costs_one_listing_of_tables(
    client: bigquery.Client, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_tables(client, settings)
    sent = []
    request: Any = client._connection.api_request

    def counted(**options: Any) -> Any:
        sent.append((options["method"], options["path"].rpartition("/")[2]))
        return request(**options)

    monkeypatch.setattr(client._connection, "api_request", counted)
    ensure_tables(client, settings)
    assert set(sent) == {("GET", "tables")}


def test_a_column_is_added_and_is_null_in_the_rows_of_before(client: bigquery.Client, settings: JobSettings) -> None:
    make_older(client, settings)
    ensure_tables(client, settings, (ADDED,))
    assert set(columns_of(client, settings, INCIDENTS)) == {column.name for column in INCIDENTS.columns}
    [incident] = rows_of(client, settings, INCIDENTS)
    assert (incident["incident_id"], incident["start_offset"], incident["end_offset"]) == ("one", None, None)
    assert version(client, settings) == 2
    ensure_tables(client, settings, (ADDED,))
    assert [row["version"] for row in rows_of(client, settings, SCHEMA_MIGRATIONS)] == [2]


def test_a_start_that_was_cut_off_is_gone_on_with(client: bigquery.Client, settings: JobSettings) -> None:
    make_older(client, settings)
    table = client.get_table(table_id(settings, INCIDENTS))
    table.schema = [*table.schema, bigquery.SchemaField("start_offset", "INT64")]
    client.update_table(table, ["schema"])
    ensure_tables(client, settings, (ADDED,))
    assert set(columns_of(client, settings, INCIDENTS)) == {column.name for column in INCIDENTS.columns}


def test_who_comes_second_finds_what_the_first_has_changed_in_between(
    client: bigquery.Client, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_older(client, settings)
    update = bigquery.Client.update_table
    overtaken: list[bigquery.Table] = []

    def late(self: bigquery.Client, table: bigquery.Table, fields: list[str], **options: Any) -> bigquery.Table:
        if not overtaken:
            overtaken.append(table)
            ensure_tables(client, settings, (ADDED,))
        return update(self, table, fields, **options)

    monkeypatch.setattr(bigquery.Client, "update_table", late)
    ensure_tables(client, settings, (ADDED,))
    assert overtaken
    names = columns_of(client, settings, INCIDENTS)
    assert sorted(names) == sorted(column.name for column in INCIDENTS.columns)
    assert [row["version"] for row in rows_of(client, settings, SCHEMA_MIGRATIONS)] == [2]


def test_a_version_never_falls(client: bigquery.Client, settings: JobSettings) -> None:
    ensure_tables(client, settings)
    newer = newest_version() + 1
    set_version(client, table_id(settings, CONTROL), newer)
    set_version(client, table_id(settings, CONTROL), 3)
    assert version(client, settings) == newer


def test_a_newer_dataset_is_refused_in_one_line_and_left_alone(client: bigquery.Client, settings: JobSettings) -> None:
    ensure_tables(client, settings)
    client.delete_table(table_id(settings, LEDGER_PARTITIONS))
    set_version(client, table_id(settings, CONTROL), newest_version() + 1)
    for opening in (ensure_tables, lambda c, s: migrate(c, s, lambda _: None)):
        with pytest.raises(Incident, match="use the newer product") as refused:
            opening(client, settings)
        assert refused.value.kind is IncidentKind.SCHEMA_VERSION
        assert "\n" not in str(refused.value)
    assert LEDGER_PARTITIONS.name not in look(client, settings, (Migration(newest_version() + 1, "newer"),)).tables


def test_a_larger_step_is_refused_at_start_and_nothing_is_changed(
    client: bigquery.Client, settings: JobSettings
) -> None:
    make_older(client, settings)
    with pytest.raises(Incident, match="payments migrate --dry-run") as refused:
        ensure_tables(client, settings, CHAIN)
    assert refused.value.kind is IncidentKind.SCHEMA_VERSION
    assert set(columns_of(client, settings, INCIDENTS)).isdisjoint(ADDED.columns[INCIDENTS])
    assert look(client, settings).tables == {CONTROL.name, INCIDENTS.name}


def test_a_larger_step_is_done_when_asked_in_order_and_fences_the_run_at_work(
    client: bigquery.Client, settings: JobSettings
) -> None:
    make_older(client, settings)
    message: list[Migration] = []
    assert migrate(client, settings, message.append, CHAIN) == 1
    assert message == [ADDED, LARGER]
    assert [row["start_offset"] for row in rows_of(client, settings, INCIDENTS)] == [0]
    [control] = rows_of(client, settings, CONTROL)
    assert control["epoch"] == 5
    assert version(client, settings) == 3
    assert sorted(row["version"] for row in rows_of(client, settings, SCHEMA_MIGRATIONS)) == [2, 3]
    ensure_tables(client, settings, CHAIN)
    assert migrate(client, settings, message.append, CHAIN) == 3
    assert rows_of(client, settings, CONTROL)[0]["epoch"] == 5


def test_what_a_statement_would_read_is_known_once_its_columns_are_there(
    client: bigquery.Client, settings: JobSettings
) -> None:
    make_older(client, settings)
    [statement] = statements_of(settings, LARGER)
    assert bytes_read(client, statement) is None
    ensure_tables(client, settings, (ADDED,))
    assert bytes_read(client, statement) is not None
    assert [row["start_offset"] for row in rows_of(client, settings, INCIDENTS)] == [None]


def test_two_processes_that_start_at_once_make_one_dataset_of_it(
    client: bigquery.Client, settings: JobSettings, environment: dict[str, str]
) -> None:
    make_older(client, settings)
    env = environment | {"BIGQUERY_DATASET": settings.dataset, "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([PAYMENTS, "migrate"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    message = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0, 0], message
    assert version(client, settings) == newest_version()
    assert look(client, settings).tables == {table.name for table in TABLES}
    applied = sorted(row["version"] for row in rows_of(client, settings, SCHEMA_MIGRATIONS))
    assert applied == [migration.version for migration in migrations.MIGRATIONS]


def test_the_label_is_the_only_one_that_is_touched(client: bigquery.Client, settings: JobSettings) -> None:
    make_older(client, settings)
    table = client.get_table(table_id(settings, CONTROL))
    table.labels = {"team": "payments"}
    client.update_table(table, ["labels"])
    ensure_tables(client, settings)
    labels = client.get_table(table_id(settings, CONTROL)).labels
    assert labels == {"team": "payments", VERSION_LABEL: str(newest_version())}
