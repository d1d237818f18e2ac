"""Datasets that tests use one after another: to empty the tables of one takes a third of what it takes to make them.

Belongs here: lending a dataset, and emptying it afterwards. Does not belong here: filling one (world).
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, SCHEMA_MIGRATIONS, TABLES
from spark_jobs.tables.migrations import newest_version
from spark_jobs.tables.names import STAGING_PREFIX, table_id
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.schema_version import version_of
from spark_jobs.warehouse.table_setup import schema_of, staging_tables

_numbers = itertools.count(1)


@dataclass
class Datasets:
    """Those of one warehouse: whoever is lent one finds no row in it, and perhaps no table."""

    settings: JobSettings
    _free: list[str] = field(default_factory=list)

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The name of a dataset that nobody else uses meanwhile."""
        # No sandbox that names its dataset itself begins its number with a zero.
        name = self._free.pop() if self._free else f"payment_data_0{next(_numbers)}"
        try:
            yield name
        finally:
            with connect(self.settings) as client:
                self._take_back(client, name)

    def _take_back(self, client: bigquery.Client, name: str) -> None:
        settings = replace(self.settings, dataset=name)
        rows = _rows_where_nothing_else_changed(client, settings)
        if rows is None:
            client.delete_dataset(f"{settings.project}.{name}", delete_contents=True, not_found_ok=True)
            return
        for staged in staging_tables(client, settings):
            client.delete_table(staged, not_found_ok=True)
        for table in TABLES:
            if rows[table.name] and table is not SCHEMA_MIGRATIONS:
                run(client, f"delete from `{table_id(settings, table)}` where true", {})
        self._free.append(name)


def _rows_where_nothing_else_changed(client: bigquery.Client, settings: JobSettings) -> dict[str, int] | None:
    """How many rows each table has; None where the dataset is no longer what the product makes of none."""
    labels: dict[str, Mapping[str, str]] = {}
    with suppress(NotFound):
        listed = client.list_tables(f"{settings.project}.{settings.dataset}")
        labels = {item.table_id: item.labels for item in listed if not item.table_id.startswith(STAGING_PREFIX)}
    if labels.keys() != {table.name for table in TABLES} or version_of(labels[CONTROL.name]) != newest_version():
        return None
    found = {table: client.get_table(table_id(settings, table)) for table in TABLES}
    are_as_made = all(_types(of.schema) == _types(schema_of(table)) for table, of in found.items())
    rows = {table.name: of.num_rows or 0 for table, of in found.items()}
    return rows if are_as_made and rows[SCHEMA_MIGRATIONS.name] == 1 else None


def _types(columns: Iterable[bigquery.SchemaField]) -> list[tuple[str, str]]:
    return [(column.name, column.field_type) for column in columns]
