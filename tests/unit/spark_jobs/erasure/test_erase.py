"""The pure parts of an erasure: what is kept, and that all is one guarded transaction."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.bytes.analyzer import Warehouse, simple
from spark_jobs.erasure import copies
from spark_jobs.erasure.account_names import ids_of
from spark_jobs.erasure.copies import (
    KEYED,
    RETURNED,
    SUMMED_UP,
    deleted_sql,
    drop_copies,
    named_sql,
    remove_leftover_files,
)
from spark_jobs.erasure.erase import erase_sql, hash_of
from spark_jobs.tables import catalog
from spark_jobs.tables.erasure_tables import BLANK_DELIVERY
from spark_jobs.warehouse.client import with_values
from tests.architecture.sources import ROOT
from tests.unit.spark_jobs.batches import SETTINGS

SQL = erase_sql(SETTINGS, "payments-local.payment_data.staging_erasure_1")


def test_an_erasure_is_one_transaction_that_begins_with_a_compare_and_set() -> None:
    statements = [statement.split() for statement in SQL.split(";") if statement.strip()]
    assert [statement[0] for statement in statements] == [
        *("begin", "update", "assert", "insert", "insert", "assert", "delete", "assert", "update", "update", "assert"),
        "commit",
    ]
    guard = " ".join(statements[1])
    assert "last_batch_id = @last_batch_id and correction_count = @correction_count" in guard
    assert guard.endswith("and erasure_count = @erasure_id - 1")


def test_what_the_ledgers_digest_covers_stays_and_all_that_speaks_goes() -> None:
    kept = {column.name for column in catalog.DELIVERIES.columns} - set(BLANK_DELIVERY)
    place = {"topic", "kafka_partition", "kafka_offset", "kafka_timestamp", "batch_id"}
    assert kept == place | {"disposition", "reasons", "value_sha256"}
    message = {field.name for field in catalog.TRANSACTIONS.columns} - place - {"value_sha256"}
    assert message == set(catalog.PERSONAL)
    assert {c.name for c in catalog.CORRECTIONS.columns if c.mode == "NULLABLE"} == set(catalog.PERSONAL)


def test_a_corrections_hash_is_made_as_if_it_had_no_id() -> None:
    [anew] = re.findall(r"correction_hash = (md5\(.*?, chr\(31\)\)\))", SQL, re.DOTALL)
    assert "transaction_id" not in anew
    assert "cast(payments_added as string), topic" in " ".join(anew.split())


def test_a_receipt_does_not_name_the_account() -> None:
    assert "account" not in hash_of("account")
    assert len(hash_of("account")) == 64


def kept_models() -> dict[str, str]:
    """The text of each model that dbt keeps as a table."""
    texts = {path.stem: path.read_text() for path in (ROOT / "dbt_project" / "models").rglob("*.sql")}
    ways = ("materialized=", "kept_rows(", "kept_days(")
    return {name: text for name, text in texts.items() if any(way in text for way in ways)}


def test_every_model_that_dbt_keeps_as_a_table_is_known() -> None:
    # Counts of days and batches, which name nobody: of what is there now, and of what once came.
    counts = {"reconciliation_summary", "int_deliveries__totals"}
    assert set(kept_models()) == {*SUMMED_UP, *KEYED, RETURNED} | counts


def test_each_table_of_sums_follows_erasures() -> None:
    ways = ("follows_erasures=true", "traits_scope(")
    assert {name for name, text in kept_models().items() if any(way in text for way in ways)} == set(SUMMED_UP)
    assert {name for name, text in kept_models().items() if "kept_days(" in text} == set(SUMMED_UP)


def test_a_mart_that_is_deleted_from_by_id_is_of_payments_and_partitioned_by_their_time() -> None:
    for name in KEYED:
        # By event_time, where nothing else is said.
        assert "kept_rows('transaction_id', cluster_by=" in kept_models()[name], name


def test_a_deletion_by_id_names_the_partitions_that_it_reads() -> None:
    for name in KEYED:
        sql = deleted_sql(SETTINGS, name)
        assert f"delete from `payments-local.payment_data.{name}`" in sql
        assert "event_time >= @since and event_time < @until" in sql


def test_what_dead_backfills_and_earlier_checkpoints_have_left_is_removed(tmp_path: Path) -> None:
    settings = replace(SETTINGS, staging_location=tmp_path.as_uri())
    files = [tmp_path / "backfill" / "a", *(tmp_path / settings.pipeline / name / "b" for name in ("g1", "g2"))]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"account")
    remove_leftover_files(settings, "g2")
    assert [file for file in files if file.exists()] == files[2:]
    remove_leftover_files(replace(settings, staging_location=(tmp_path / "nowhere").as_uri()), "g2")


def test_what_a_fraud_team_wrote_of_a_payment_or_an_account_goes_with_it() -> None:
    warehouse = Warehouse()
    warehouse.add(RETURNED, {"original_transaction_id": simple("STRING")})
    named = named_sql(SETTINGS)
    for name, sql in named.items():
        values = ids_of("acc-7") if name == catalog.FRAUD_LISTS.name else {}
        warehouse.accept(sql, with_values(values).query_parameters)
    keyed = {table.name for table in catalog.TABLES if table.name.startswith("payment_fraud_")}
    assert set(named) == keyed | {catalog.DECISION_REQUESTS.name, RETURNED}


def test_an_entry_of_a_list_goes_by_what_a_mapping_has_made_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(copies, "run", lambda _, sql, values: sent.update({sql: values}))
    tables = [SimpleNamespace(table_id=table.name, table_type="TABLE") for table in catalog.TABLES]
    client = SimpleNamespace(list_tables=lambda *_, **__: tables)
    drop_copies(client, SETTINGS, "shopper/1")  # type: ignore[arg-type]
    [(sql, values)] = [each for each in sent.items() if catalog.FRAUD_LISTS.name in each[0]]
    assert "subject in (@account, @escaped, @hashed)" in sql
    assert values == ids_of("shopper/1")
    assert values["escaped"] == "shopper_2F1"
    assert [values for other, values in sent.items() if other != sql] == [{}, {}]
