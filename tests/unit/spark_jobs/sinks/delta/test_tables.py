"""Delta tables on a plain folder: a batch comes in once, a new column needs no rewrite, a stale writer is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from spark_jobs.incidents import Incident
from spark_jobs.reading.contracts import contract_of_now
from spark_jobs.settings import DELTA, JobSettings, read_job_settings
from spark_jobs.sinks.delta.publisher import control_in, write_control
from spark_jobs.sinks.delta.store import DeltaStore
from spark_jobs.sinks.delta.tables import (
    METRICS,
    SCHEMA,
    append,
    append_once,
    conform,
    failures_as_incidents,
    open_table,
    query,
    schema_of,
    storage_options,
    upgrade_table,
    uri_of,
    version_of,
)
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Column
from spark_jobs.tables.migrations import newest_version
from tests.unit.spark_jobs.batches import CONTROL, NOON


@pytest.fixture
def settings(tmp_path: Path) -> JobSettings:
    return read_job_settings({"PAYMENTS_HOME": str(tmp_path), "SINKS": DELTA})


def payments(*ids: str) -> pa.Table:
    rows = [{"transaction_id": id_, "batch_id": 1, "event_time": NOON} for id_ in ids]
    return conform(pa.Table.from_pylist(rows), catalog.TRANSACTIONS)


def rows_in(table: DeltaTable) -> list[dict[str, Any]]:
    return [row for batch in query(table, "select * from t") for row in batch.to_pylist()]


def ids_in(settings: JobSettings) -> list[str]:
    return sorted(row["transaction_id"] for row in rows_in(open_table(settings, catalog.TRANSACTIONS)))


def test_a_stand_in_for_cloud_storage_is_asked_for_tables_there_and_for_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    assert storage_options("gs://acme/delta/t") is None
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:4443/")
    assert storage_options("file:///delta/t") is None
    options = storage_options("gs://acme/delta/t")
    assert options
    assert json.loads(options["google_service_account_key"])["gcs_base_url"] == "http://127.0.0.1:4443"


def test_an_object_store_that_refuses_is_one_line_with_its_reason(settings: JobSettings) -> None:
    drawn = (
        "Generic GCS error\n  \x1b[31m↳\x1b[0m Error performing list request\n"
        "   \x1b[31m↳\x1b[0m after 10 retries, max_retries\n    \x1b[31m↳\x1b[0m 10 - 403 Forbidden\n"
    )
    reason = "list request: after 10 retries, max_retries: 10 - 403 Forbidden;"
    with pytest.raises(Incident, match=reason) as refused, failures_as_incidents(settings):
        raise OSError(drawn)
    assert not {"\n", "\x1b"} & set(str(refused.value))


def test_a_batch_that_comes_twice_is_in_once_whoever_brings_it(settings: JobSettings) -> None:
    one, other = (open_table(settings, catalog.TRANSACTIONS) for _ in range(2))
    append_once(one, payments("a"), "payments", 1)
    append_once(other, payments("a"), "payments", 1)
    append_once(one, payments("b"), "payments", 2)
    assert ids_in(settings) == ["a", "b"]


def test_a_batch_without_payments_counts_as_taken(settings: JobSettings) -> None:
    table = open_table(settings, catalog.TRANSACTIONS)
    append_once(table, payments(), "payments", 7)
    assert version_of(open_table(settings, catalog.TRANSACTIONS), "payments") == 7


def test_of_two_writers_who_did_not_see_each_other_one_is_refused(settings: JobSettings) -> None:
    one, other = (open_table(settings, catalog.TRANSACTIONS) for _ in range(2))
    append(one, payments("a"), "payments", 1)
    with pytest.raises(CommitFailedError):
        append(other, payments("b"), "payments", 1)
    assert ids_in(settings) == ["a"]


def test_a_column_that_the_contract_gains_appears_without_a_rewrite(settings: JobSettings) -> None:
    before = replace(
        catalog.TRANSACTIONS, columns=tuple(c for c in catalog.TRANSACTIONS.columns if c.name != "batch_id")
    )
    assert len(before.columns) == len(catalog.TRANSACTIONS.columns) - 1
    old = open_table(settings, before)
    append(old, conform(payments("a"), before), "payments", 1)
    files = set(old.file_uris())
    gained = Column("loyalty_tier", "STRING", "New.", "NULLABLE")
    after = replace(catalog.TRANSACTIONS, columns=(*catalog.TRANSACTIONS.columns, gained))
    rows = pa.Table.from_pylist([{"transaction_id": "b", "loyalty_tier": "gold", "batch_id": 2}])
    append_once(open_table(settings, after), conform(rows, after), "payments", 2)
    now = open_table(settings, after)
    assert files < set(now.file_uris())
    found = {
        row["transaction_id"]: (row["batch_id"], row["loyalty_tier"]) for row in now.to_pyarrow_table().to_pylist()
    }
    assert found == {"a": (None, None), "b": (2, "gold")}


def made_before_versions(settings: JobSettings) -> pa.Table:
    """Payments as a product wrote them that knew no versions, and had one column less."""
    rows = payments("a").drop_columns(["extra_fields"])
    write_deltalake(uri_of(settings, catalog.TRANSACTIONS), rows)
    return rows


def test_an_older_table_gets_its_columns_and_its_version_in_one_commit(settings: JobSettings) -> None:
    made_before_versions(settings)
    opened = open_table(settings, catalog.TRANSACTIONS)
    assert (version_of(opened, SCHEMA), opened.version()) == (0, 0)
    now = upgrade_table(settings, catalog.TRANSACTIONS)
    assert (version_of(now, SCHEMA), now.version()) == (newest_version(), 1)
    assert set(now.schema().to_arrow().names) == {column.name for column in catalog.TRANSACTIONS.columns}
    assert [(row["transaction_id"], row["extra_fields"]) for row in rows_in(now)] == [("a", None)]
    assert upgrade_table(settings, catalog.TRANSACTIONS).version() == 1


def test_who_comes_second_to_an_older_table_finds_it_done(settings: JobSettings) -> None:
    made_before_versions(settings)
    stale = open_table(settings, catalog.TRANSACTIONS)
    upgrade_table(settings, catalog.TRANSACTIONS)
    append_once(stale, payments(), SCHEMA, newest_version())
    assert open_table(settings, catalog.TRANSACTIONS).version() == 1


def test_a_new_table_is_of_the_newest_version(settings: JobSettings) -> None:
    assert version_of(upgrade_table(settings, METRICS), SCHEMA) == newest_version()
    assert open_table(settings, METRICS).version() == 0


def test_a_newer_table_is_refused_in_one_line(settings: JobSettings) -> None:
    append(open_table(settings, catalog.CONTROL), schema_of(catalog.CONTROL).empty_table(), SCHEMA, 99)
    with pytest.raises(Incident, match=r"SCHEMA_VERSION: Delta's pipeline_control .* version 99") as refused:
        DeltaStore(settings).prepare(contract_of_now())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("table", [*catalog.TABLES, METRICS], ids=lambda table: table.name)
def test_every_table_has_a_delta_schema(table: catalog.Table) -> None:
    assert schema_of(table).names == [column.name for column in table.columns]


def test_only_the_newest_reader_of_the_control_row_may_write_it(settings: JobSettings) -> None:
    one, other = (open_table(settings, catalog.CONTROL) for _ in range(2))
    write_control(one, CONTROL)
    with pytest.raises(CommitFailedError):
        write_control(other, replace(CONTROL, epoch=99))
    assert control_in(open_table(settings, catalog.CONTROL), "payments") == CONTROL
    assert control_in(open_table(settings, catalog.CONTROL), "another") is None


def test_storage_that_fails_is_one_line(settings: JobSettings, tmp_path: Path) -> None:
    (tmp_path / "delta").write_text("not a folder")
    with pytest.raises(Incident, match=r"DELTA_FAILED: Delta at file:.* refused"):
        DeltaStore(settings).prepare(contract_of_now())
