"""Which version a dataset is of, and changes of a table's metadata that many may make at once.

Belongs here: the version's label, a column that is added, trying again. Does not belong here: which versions there are
(tables), the order in which a dataset is brought up to one (table_setup). Each change is a PATCH under the table's
etag, so it is made on what was read; whoever comes second finds it made.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from spark_jobs.tables.migrations import FIRST_VERSION
from spark_jobs.warehouse.retries import bounds

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, SchemaField, Table

VERSION_LABEL = "schema_version"
"""On pipeline_control: a listing of the dataset's tables tells it, and it costs nothing to read.

A label of the dataset itself would need more rights than a run has: to alter a dataset is its owner's.
"""

PAUSES_SECONDS = (0.1, 0.3, 1.0, 3.0)
"""How long to wait before a change is made again that the warehouse refused."""


def version_of(labels: Mapping[str, str] | None) -> int:
    """The version that the labels of pipeline_control tell."""
    return int((labels or {}).get(VERSION_LABEL) or FIRST_VERSION)


def set_version(client: "Client", control_id: str, version: int) -> None:
    """Say that the dataset is of that version; a newer one stays."""

    def change(table: "Table") -> str | None:
        if version_of(table.labels) >= version and VERSION_LABEL in table.labels:
            return None
        table.labels = {**table.labels, VERSION_LABEL: str(version)}
        return "labels"

    change_table(client, control_id, change)


def add_columns(client: "Client", table_id: str, columns: Sequence["SchemaField"]) -> None:
    """Add those of the columns that the table lacks."""

    def change(table: "Table") -> str | None:
        present = {field.name for field in table.schema}
        lacking = [column for column in columns if column.name not in present]
        table.schema = [*table.schema, *lacking]
        return "schema" if lacking else None

    change_table(client, table_id, change)


def order_rows(client: "Client", table_id: str, cluster_by: Sequence[str]) -> None:
    """Have a table's rows lie in this order from now on: what is stored already stays as it lies."""

    def change(table: "Table") -> str | None:
        is_other = list(table.clustering_fields or ()) != list(cluster_by)
        table.clustering_fields = list(cluster_by)
        return "clustering_fields" if is_other else None

    change_table(client, table_id, change)


def insist[Answer](change: Callable[[], Answer]) -> Answer:
    """Make a change that finds itself made where it was: another process in the same moment is a conflict.

    Raises:
        GoogleAPICallError: the warehouse kept refusing.
    """
    from google.api_core.exceptions import GoogleAPICallError

    for pause in PAUSES_SECONDS:
        try:
            return change()
        except GoogleAPICallError:
            time.sleep(pause)
    return change()


def change_table(client: "Client", table_id: str, change: Callable[["Table"], str | None]) -> None:
    """Make a change of a table, which names the field that it changed; None where there is nothing to do."""

    def attempt() -> None:
        table = client.get_table(table_id, **bounds())
        field = change(table)
        if field:
            client.update_table(table, [field], **bounds())

    insist(attempt)
