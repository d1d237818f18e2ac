"""One contract, one set of tables: whatever else speaks of them agrees."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.bigquery.emulator import DEFAULT_KEEP_MINUTES, DEFAULT_MEMORY
from local_stack.bigquery.patches import registry
from local_stack.kafka import DEFAULT_HEAP, DEFAULT_RETENTION_HOURS
from orchestration.settings import read_stack_settings
from spark_jobs.contract.payment_event import FIELDS, json_schema
from spark_jobs.source.connection import FILE, VARIABLES
from spark_jobs.tables.catalog import TABLES, TRANSACTIONS, Table
from tests.architecture.sources import ROOT, product_files

SETTING_READ = re.compile(r'\benv(?:iron)?(?:\.get\(|, |\[)\s*"([A-Z][A-Z_]+)"')
SETTING_DECLARED = re.compile(r"^(# )?([A-Z][A-Z_]+)=(.*)$", re.MULTILINE)
SETTING_DOCUMENTED = re.compile(r"^\| `([A-Z][A-Z_]+)` \| (?:`([^`]*)` )?\|", re.MULTILINE)


def exemplified() -> dict[str, str]:
    """Every setting of .env.example with its default; what is commented out there has none."""
    declared = SETTING_DECLARED.findall((ROOT / ".env.example").read_text())
    return {setting: "" if comment else default for comment, setting, default in declared}


def sources() -> dict[str, dict[str, Any]]:
    """Tables of dbt's sources by name."""
    document = yaml.safe_load((ROOT / "dbt_project/models/staging/_sources.yml").read_text())
    return {table["name"]: table for source in document["sources"] for table in source["tables"]}


def test_the_published_json_schema_is_the_contract() -> None:
    published = json.loads((ROOT / "docs/payment-event.schema.json").read_text())
    assert published == json_schema(), "run `make schema`"


def test_dbt_reads_every_table_that_the_job_owns_and_no_other() -> None:
    assert set(sources()) == {table.name for table in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_dbt_source_has_the_columns_of_its_table(table: Table) -> None:
    declared = {column["name"]: column.get("data_type") for column in sources()[table.name]["columns"]}
    expected = {
        column.name: f"array<{column.type}>" if column.mode == "REPEATED" else column.type for column in table.columns
    }
    assert set(declared) == set(expected)
    typed = {name: kind.upper() for name, kind in declared.items() if kind}
    assert typed == {name: expected[name].upper() for name in typed}


def test_every_incremental_model_takes_a_column_that_is_new() -> None:
    """By the one macro that says how rows are kept, or by itself."""
    models = [path.read_text() for path in (ROOT / "dbt_project/models").rglob("*.sql")]
    own = [sql for sql in models if "incremental'" in sql]
    assert all("on_schema_change='append_new_columns'" in sql for sql in own)
    assert "'on_schema_change': 'append_new_columns'" in (ROOT / "dbt_project/macros/kept_rows.sql").read_text()


def test_the_table_of_payments_holds_every_field_of_the_contract() -> None:
    columns = {column.name: (column.type, column.mode) for column in TRANSACTIONS.columns}
    for field in FIELDS:
        assert columns[field.name] == (field.bigquery_type, "REQUIRED" if field.required else "NULLABLE")


def test_the_example_environment_lists_exactly_the_settings_that_are_read() -> None:
    read = {setting for path in product_files() for setting in SETTING_READ.findall(path.read_text())}
    read |= {FILE, *VARIABLES}
    assert exemplified().keys() == read - {"DAGSTER_HOME"}, "DAGSTER_HOME follows from PAYMENTS_HOME"


def test_every_setting_is_documented_with_its_default() -> None:
    documented = SETTING_DOCUMENTED.findall((ROOT / "docs/configuration.md").read_text())
    assert len(documented) == len(dict(documented))
    assert dict(documented) == exemplified()


def test_the_documented_defaults_are_what_an_empty_environment_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_stack_settings(exemplified()) == read_stack_settings({})
    assert exemplified()["PAYMENTS_KAFKA_HEAP"] == DEFAULT_HEAP
    assert exemplified()["PAYMENTS_KAFKA_RETENTION_HOURS"] == DEFAULT_RETENTION_HOURS
    assert exemplified()["PAYMENTS_WAREHOUSE_KEEP_MINUTES"] == DEFAULT_KEEP_MINUTES
    assert exemplified()["PAYMENTS_WAREHOUSE_MEMORY"] == DEFAULT_MEMORY
    assert exemplified()["PAYMENTS_WAREHOUSE_PATCHES"] == registry.EVERY
