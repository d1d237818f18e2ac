"""Whether the datasets of raw records and of operations fit together: at a start, before anything is made in them.

Belongs here: what is in which dataset, and refusing what would begin anew beside what is published. Does not belong
here: which table is of which layer (tables), making tables (table_setup). What is missing of the marts is built again.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import CONTROL, DELIVERIES, TABLES, TRANSACTIONS, Layer
from spark_jobs.tables.names import dataset_of, table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import bounds

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery.table import TableListItem

_SAY = "BIGQUERY_DATASET and BIGQUERY_RAW_DATASET must name the datasets that hold the tables (docs/day-two.md)"


def items_in(client: "Client", dataset: str) -> "list[TableListItem]":
    """What lies in a dataset; nothing where there is none."""
    from google.api_core.exceptions import NotFound

    with suppress(NotFound):
        return list(client.list_tables(dataset, **bounds()))
    return []


def insist_on_layers(client: "Client", settings: JobSettings, listed: Mapping[str, Collection[str]]) -> None:
    """Refuse where a start would begin anew beside what is published, or no transaction could reach all tables.

    Args:
        client: the warehouse.
        settings: name the datasets.
        listed: by dataset, the names of what is in it; of raw records and of operations.

    Raises:
        Incident: WAREHOUSE_FAILED, in one line that says what to do.
    """
    problem = (
        elsewhere(settings, listed)
        or _lost(client, settings, listed)
        or (_apart(client, settings, listed) if len(listed) > 1 else None)
    )
    if problem:
        raise Incident(IncidentKind.WAREHOUSE_FAILED, f"{problem}. Nothing was changed.")


def elsewhere(settings: JobSettings, listed: Mapping[str, Collection[str]]) -> str | None:
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
