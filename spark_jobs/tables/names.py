"""Which dataset a table or view is in, and its full name. Pure.

Belongs here: the one way from a name to a dataset. Does not belong here: which layer a table is of (catalog), what is
there (warehouse.table_setup).
"""

from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import TABLES
from spark_jobs.tables.columns import Layer, Table

STAGING_PREFIX = "staging_"
_LAYERS = {table.name: table.layer for table in TABLES}


def dataset_of(settings: JobSettings, layer: Layer) -> str:
    """`project.dataset` of a layer."""
    own = {Layer.RAW: settings.raw_dataset, Layer.MARTS: settings.marts_dataset}.get(layer)
    return f"{settings.project}.{own or settings.dataset}"


def layer_of(name: str) -> Layer:
    """Of a table or view, by its name alone: what is none of ours dbt makes."""
    return Layer.RAW if name.startswith(STAGING_PREFIX) else _LAYERS.get(name, Layer.MARTS)


def table_id(settings: JobSettings, table: Table) -> str:
    """`project.dataset.table`; the parts come from allow-lists."""
    return f"{dataset_of(settings, table.layer)}.{table.name}"


def full_name(settings: JobSettings, name: str) -> str:
    """The same of any table or view, by its name alone."""
    return f"{dataset_of(settings, layer_of(name))}.{name}"


def staging_id(settings: JobSettings, name: str) -> str:
    """The same of a staging table."""
    return full_name(settings, f"{STAGING_PREFIX}{name}")


def sql_names(settings: JobSettings, *others: str) -> dict[str, str]:
    """Every table of ours by its name, as statements write it; and `others`, which dbt makes."""
    return {name: f"`{full_name(settings, name)}`" for name in (*_LAYERS, *others)}
