"""The product's tables in BigQuery: their names, schemas, and making what is missing.

Belongs here: names, schemas, creation, staging tables left behind. Does not belong here: which columns a table has
(tables).
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import TABLES, Table
from spark_jobs.warehouse.retries import bounds, failures

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField


STAGING_PREFIX = "staging_"


def table_id(settings: JobSettings, table: Table) -> str:
    """`project.dataset.table`; the parts come from allow-lists."""
    return f"{settings.project}.{settings.dataset}.{table.name}"


def schema_of(table: Table) -> "list[SchemaField]":
    """The table's columns as BigQuery fields."""
    from google.cloud.bigquery import SchemaField

    return [SchemaField(c.name, c.type, mode=c.mode, description=c.description) for c in table.columns]


def ensure_tables(client: "Client", settings: JobSettings) -> None:
    """Create the dataset and every table that is missing."""
    from google.cloud import bigquery

    dataset = bigquery.Dataset(f"{settings.project}.{settings.dataset}")
    dataset.location = settings.location
    client.create_dataset(dataset, exists_ok=True, **bounds())
    existing = {item.table_id for item in client.list_tables(dataset, **bounds())}
    for table in TABLES:
        if table.name in existing:
            continue
        resource = bigquery.Table(table_id(settings, table), schema=schema_of(table))
        resource.description = table.description
        if table.partition_by:
            resource.time_partitioning = bigquery.TimePartitioning(field=table.partition_by)
        if table.cluster_by:
            resource.clustering_fields = list(table.cluster_by)
        client.create_table(resource, exists_ok=True, **bounds())


def sweep_staging(client: "Client", settings: JobSettings) -> None:
    """Drop the staging tables that dead or fenced runs have left behind: none of them is ever needed again."""
    dataset = f"{settings.project}.{settings.dataset}"
    with suppress(*failures()):
        for item in client.list_tables(dataset, **bounds()):
            if item.table_id.startswith(STAGING_PREFIX):
                client.delete_table(f"{dataset}.{item.table_id}", not_found_ok=True, **bounds())
