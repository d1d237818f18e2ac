"""The versions of a dataset: in order, and together all that the tables have gained since the first one."""

from typing import Any

import pytest

from spark_jobs.tables.catalog import KAFKA_OFFSETS, TABLES, Table
from spark_jobs.tables.migrations import FIRST_VERSION, MIGRATIONS, Migration, newest_version, pending
from tests.fixtures.dataset import OlderDataset

LEGACY_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""What BigQuery calls a type in a table's schema, where SQL has another name for it."""

TABLES_THEN = OlderDataset().tables


def as_it_was(table: Table) -> list[tuple[str, str, str]]:
    """Name, type and mode of the table's columns, without those that came later."""
    later = {name for migration in MIGRATIONS for name in migration.columns.get(table, ())}
    # The load jobs that replace this one's rows leave no mode behind in the local warehouse.
    return [
        (c.name, c.type, "NULLABLE" if table is KAFKA_OFFSETS else c.mode) for c in table.columns if c.name not in later
    ]


def as_left_behind(table: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c["name"], LEGACY_NAMES.get(c["type"], c["type"]), c["mode"]) for c in table["columns"]]


def test_versions_follow_on_the_first_one_without_a_gap() -> None:
    versions = [migration.version for migration in MIGRATIONS]
    assert versions == list(range(FIRST_VERSION + 1, FIRST_VERSION + 1 + len(MIGRATIONS)))


def test_the_tables_are_those_of_the_first_version_and_what_the_migrations_name() -> None:
    came = {table.name for migration in MIGRATIONS for table in migration.tables}
    assert {table.name for table in TABLES} - came == set(TABLES_THEN) & {table.name for table in TABLES}


@pytest.mark.parametrize("table", [t for t in TABLES if t.name in TABLES_THEN], ids=lambda table: table.name)
def test_a_table_of_the_first_version_differs_from_it_by_what_the_migrations_name(table: Table) -> None:
    then = TABLES_THEN[table.name]
    assert as_it_was(table) == as_left_behind(then), "name the new column in a migration"
    assert table.partition_by == then["partition_by"]
    is_ordered_anew = any(table in migration.clustered for migration in MIGRATIONS)
    assert (list(table.cluster_by) != then["cluster_by"]) is is_ordered_anew, "name the table in a migration"


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda migration: str(migration.version))
def test_what_a_migration_adds_is_declared_and_may_be_missing_in_old_rows(migration: Migration) -> None:
    assert set(migration.tables) <= set(TABLES)
    for table, names in migration.columns.items():
        declared = {column.name: column.mode for column in table.columns}
        assert {declared.get(name) for name in names} <= {"NULLABLE", "REPEATED"}


def test_a_new_column_comes_after_the_old_ones_as_where_it_is_added() -> None:
    for table in TABLES:
        later = {name for migration in MIGRATIONS for name in migration.columns.get(table, ())}
        names = [column.name for column in table.columns]
        assert names == sorted(names, key=lambda name: name in later)


def test_a_dataset_lacks_what_came_after_its_version() -> None:
    chain = [Migration(2, "a"), Migration(3, "b", statements=("select 1",)), Migration(4, "c")]
    assert [m.version for m in pending(2, chain)] == [3, 4]
    assert pending(4, chain) == []
    assert newest_version(chain) == 4
    assert newest_version([]) == FIRST_VERSION
    assert [m.version for m in chain if m.is_larger] == [3]
