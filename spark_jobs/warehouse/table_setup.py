"""The product's tables in BigQuery: their schemas, and bringing them to this product's version.

Belongs here: schemas, what is missing or new, staging tables left behind. Does not belong here: which columns a table
has and what each version adds (tables), whether the layers' datasets fit together (layers), a larger step
(larger_steps).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, SCHEMA_MIGRATIONS, TABLES, Layer, Table
from spark_jobs.tables.migrations import MIGRATIONS, Migration, newest_version, pending
from spark_jobs.tables.names import STAGING_PREFIX, dataset_of, layer_of, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.layers import insist_on_layers, items_in
from spark_jobs.warehouse.retries import bounds
from spark_jobs.warehouse.schema_version import VERSION_LABEL, add_columns, insist, order_rows, set_version, version_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField


@dataclass(frozen=True, slots=True)
class Found:
    """Which of our tables are there, and of which version they are: None where there is none of them."""

    tables: frozenset[str]
    version: int | None


def schema_of(table: Table) -> "list[SchemaField]":
    """The table's columns as BigQuery fields."""
    from google.cloud.bigquery import SchemaField

    return [SchemaField(c.name, c.type, mode=c.mode, description=c.description) for c in table.columns]


def ensure_tables(client: "Client", settings: JobSettings, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Create the datasets and what is missing in them, and add what came with versions after their own.

    Where there is nothing to do it costs what `look` costs. Several processes may do it at once.

    Raises:
        Incident: as `look`; SCHEMA_VERSION, where a larger step is due.
    """
    found = look(client, settings, migrations)
    due = pending(found.version, migrations) if found.version else []
    larger = next((migration for migration in due if migration.is_larger), None)
    if larger:
        raise Incident(
            IncidentKind.SCHEMA_VERSION,
            f"dataset {settings.dataset!r} is of schema version {found.version}, and version {larger.version} "
            f"({larger.description}) is a larger step: see `payments migrate --dry-run`, then run `payments migrate`.",
        )
    make_missing(client, settings, found, migrations)
    for migration in due:
        add(client, settings, migration)
        conclude(client, settings, migration.version, migration.description)


def look(client: "Client", settings: JobSettings, migrations: Sequence[Migration] = MIGRATIONS) -> Found:
    """What is there; it costs one listing of a dataset's tables, and of two datasets their locations besides.

    Raises:
        Incident: SCHEMA_VERSION, where it is of a newer version than this product knows; WAREHOUSE_FAILED, where tables
            are missing that hold what is published, or are in another dataset than the settings say.
    """
    # Raw first: the control row's table is the first that is made, so whoever sees raw tables sees it too.
    places = dict.fromkeys(dataset_of(settings, layer) for layer in (Layer.RAW, Layer.OPERATIONS))
    listed = {place: {item.table_id: item.labels for item in items_in(client, place)} for place in places}
    insist_on_layers(client, settings, listed)
    tables = frozenset(table.name for table in TABLES if table.name in listed[dataset_of(settings, table.layer)])
    labels = listed[dataset_of(settings, Layer.OPERATIONS)]
    version = version_of(labels.get(CONTROL.name)) if tables else None
    if version and version > newest_version(migrations):
        raise Incident(
            IncidentKind.SCHEMA_VERSION,
            f"dataset {settings.dataset!r} is of schema version {version}, and this product knows versions up to "
            f"{newest_version(migrations)}: use the newer product that brought it there, or another dataset.",
        )
    return Found(tables, version)


def make_missing(
    client: "Client", settings: JobSettings, found: Found, migrations: Sequence[Migration] = MIGRATIONS
) -> None:
    """Create every table that is missing, as the newest version has it; the control row's comes first."""
    from google.cloud import bigquery

    has_some = {layer_of(name) for name in found.tables}
    for layer in (Layer.RAW, Layer.OPERATIONS):
        if layer not in has_some:
            make_dataset(client, settings, layer)
    version = found.version or newest_version(migrations)
    for table in (CONTROL, *(table for table in TABLES if table is not CONTROL)):
        if table.name in found.tables:
            continue
        resource = bigquery.Table(table_id(settings, table), schema=schema_of(table))
        resource.description = table.description
        if table.partition_by:
            resource.time_partitioning = bigquery.TimePartitioning(field=table.partition_by)
        if table.cluster_by:
            resource.clustering_fields = list(table.cluster_by)
        if table is CONTROL:
            resource.labels = {VERSION_LABEL: str(version)}
        insist(partial(client.create_table, resource, exists_ok=True, **bounds()))
    if found.version is None:
        conclude(client, settings, version, "the dataset was made")


def make_dataset(client: "Client", settings: JobSettings, layer: Layer = Layer.OPERATIONS) -> None:
    """Create a layer's dataset where it is missing: only then does it take leave to create datasets."""
    from google.api_core.exceptions import NotFound
    from google.cloud import bigquery

    dataset = bigquery.Dataset(dataset_of(settings, layer))
    try:
        client.get_dataset(dataset.reference, **bounds())
    except NotFound:
        dataset.location = settings.location
        insist(partial(client.create_dataset, dataset, exists_ok=True, **bounds()))


def add(client: "Client", settings: JobSettings, migration: Migration) -> None:
    """Add the columns that came with a version, where they are missing, and order tables as it says."""
    for table, names in migration.columns.items():
        added = [column for column in schema_of(table) if column.name in names]
        add_columns(client, table_id(settings, table), added)
    for table in migration.clustered:
        order_rows(client, table_id(settings, table), table.cluster_by)


def conclude(client: "Client", settings: JobSettings, version: int, description: str) -> None:
    """Say that the dataset is of that version from now on: once, whoever says it."""
    merge = f"""
        merge `{table_id(settings, SCHEMA_MIGRATIONS)}` as migrations
        using (select @version as version) as applied on migrations.version = applied.version
        when not matched then
            insert (version, description, applied_by, applied_at)
            values (@version, @description, session_user(), current_timestamp())
        """
    insist(partial(run, client, merge, {"version": version, "description": description}))
    set_version(client, table_id(settings, CONTROL), version)


def staging_tables(client: "Client", settings: JobSettings) -> list[str]:
    """Full names of the staging tables that there are: of the run at work, and of those that are over."""
    dataset = dataset_of(settings, Layer.RAW)
    names = (item.table_id for item in client.list_tables(dataset, **bounds()))
    return [f"{dataset}.{name}" for name in names if name.startswith(STAGING_PREFIX)]
