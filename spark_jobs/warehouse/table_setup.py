"""The product's tables in BigQuery: their schemas, and bringing them to this product's version.

Belongs here: schemas, what is missing, new, or in the wrong dataset, staging tables left behind. Does not belong here:
which columns and which layer a table has and what each version adds (tables), a larger step (larger_steps). What is
missing of the marts is built again.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, DELIVERIES, SCHEMA_MIGRATIONS, TABLES, TRANSACTIONS, Layer, Table
from spark_jobs.tables.migrations import MIGRATIONS, Migration, newest_version, pending
from spark_jobs.tables.names import STAGING_PREFIX, dataset_of, layer_of, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds
from spark_jobs.warehouse.schema_version import VERSION_LABEL, add_columns, insist, order_rows, set_version, version_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField
    from google.cloud.bigquery.table import TableListItem

_SAY = "BIGQUERY_DATASET and BIGQUERY_RAW_DATASET must name the datasets that hold the tables (docs/day-two.md)"


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
    _insist_on_layers(client, settings, listed)
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


def items_in(client: "Client", dataset: str) -> "list[TableListItem]":
    """What lies in a dataset; nothing where there is none."""
    from google.api_core.exceptions import NotFound

    with suppress(NotFound):
        return list(client.list_tables(dataset, **bounds()))
    return []


def _insist_on_layers(client: "Client", settings: JobSettings, listed: Mapping[str, Collection[str]]) -> None:
    """Refuse where a start would begin anew beside what is published, or no transaction could reach all tables.

    Args:
        client: the warehouse.
        settings: name the datasets.
        listed: by dataset, the names of what is in it; of raw records and of operations.

    Raises:
        Incident: WAREHOUSE_FAILED, in one line that says what to do.
    """
    problem = (
        _elsewhere(settings, listed)
        or _lost(client, settings, listed)
        or (_apart(client, settings, listed) if len(listed) > 1 else None)
    )
    if problem:
        raise Incident(IncidentKind.WAREHOUSE_FAILED, f"{problem}. Nothing was changed.")


def _elsewhere(settings: JobSettings, listed: Mapping[str, Collection[str]]) -> str | None:
    """A table of ours that is in another layer's dataset, be it a copy: nobody can tell which of them is written to."""
    for table in TABLES:
        own = dataset_of(settings, table.layer)
        for dataset, names in listed.items():
            if dataset == own or table.name not in names:
                continue
            if table.name in listed[own]:
                return f"{table.name} is in {own} and in {dataset}: drop the copy that nothing is written to"
            return f"{table.name} is in {dataset}, and the settings look for it in {own}: {_SAY}"
    return None


def _lost(client: "Client", settings: JobSettings, listed: Mapping[str, Collection[str]]) -> str | None:
    """Payments without a control row, or a control row without its payments: one of the two is somewhere else."""
    raw, operations = (dataset_of(settings, layer) for layer in (Layer.RAW, Layer.OPERATIONS))
    if CONTROL.name not in listed[operations]:
        is_here = raw != operations and DELIVERIES.name in listed[raw]
        return f"{raw} has {DELIVERIES.name}, and {operations} has no {CONTROL.name}: {_SAY}" if is_here else None
    if {DELIVERIES.name, TRANSACTIONS.name} <= set(listed[raw]) or not _has_published(client, settings):
        return None
    # Looked at again: another process may have made them, and published, since they were listed.
    there = {item.table_id for item in items_in(client, raw)}
    gone = [table.name for table in (DELIVERIES, TRANSACTIONS) if table.name not in there]
    return f"{operations} knows published batches, and {raw} has no {gone[0]}: {_SAY}" if gone else None


def _has_published(client: "Client", settings: JobSettings) -> bool:
    [row] = run(client, f"select max(last_batch_id) as newest from `{table_id(settings, CONTROL)}`", {})
    return bool(row["newest"])


def _apart(client: "Client", settings: JobSettings, listed: Mapping[str, Collection[str]]) -> str | None:
    """A dataset that no transaction over both reaches: a transaction is of one location."""
    from google.api_core.exceptions import NotFound

    for dataset in listed:
        with suppress(NotFound):
            location = client.get_dataset(dataset, **bounds()).location
            if location and location.lower() != settings.location.lower():
                return f"dataset {dataset} is in {location}, and BIGQUERY_LOCATION is {settings.location}"
    return None
