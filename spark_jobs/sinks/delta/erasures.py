"""Delta after an erasure: what the warehouse has erased is erased in the tables and in their files.

Belongs here: following, and the files. Does not belong here: batches and corrections (mirror), erasing
(erasure). The tables' logs keep statistics of old files, smallest and largest values, until Delta drops them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deltalake import DeltaTable, PostCommitHookProperties

from spark_jobs.contract.payment_event import ERASED
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta import rows as delta_rows
from spark_jobs.sinks.delta.tables import append_once, conform, schema_of, version_of
from spark_jobs.tables import catalog
from spark_jobs.tables.columns import Table
from spark_jobs.tables.names import table_id

if TYPE_CHECKING:
    import pyarrow as pa
    from google.cloud.bigquery import Client

_SAME_PLACE = "t.topic = s.topic and t.kafka_partition = s.kafka_partition and t.kafka_offset = s.kafka_offset"


def follow_erasures(
    client: "Client", settings: JobSettings, handles: Mapping[Table, DeltaTable], control: Control
) -> None:
    """Bring both tables to the control row's erasures; `<pipeline>:erasures` in their logs says how far they are."""
    application = f"{settings.pipeline}:erasures"
    followed = (catalog.DELIVERIES, catalog.TRANSACTIONS)
    after = min(version_of(handles[table], application) for table in followed)
    if after >= control.erasure_count:
        return
    erased = _erased(client, settings, after, control.erasure_count)
    for table in followed:
        handle = handles[table]
        handle.update_incremental()
        if version_of(handle, application) < control.erasure_count:
            if erased.num_rows:
                _take_out(handle, table, erased)
            # Not `full`: a file that no commit knows may be one that another writer has just begun. Before the number
            # is committed: whoever dies in between does it again.
            handle.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False, full=False)
            append_once(handle, schema_of(table).empty_table(), application, control.erasure_count)


def _take_out(handle: DeltaTable, table: Table, erased: "pa.Table") -> None:
    """Idempotent: the same rows again change nothing that matters."""
    # A checkpoint in between would hide from the vacuum what the merge takes out.
    hooks = PostCommitHookProperties(create_checkpoint=False)
    merge = handle.merge(erased, _SAME_PLACE, source_alias="s", target_alias="t", post_commithook_properties=hooks)
    if table == catalog.TRANSACTIONS:
        merge.when_matched_delete().execute()
    else:
        columns = {column.name: f"s.{column.name}" for column in table.columns}
        merge.when_matched_update(columns, predicate=f"t.disposition != '{ERASED}'").execute()


def _erased(client: "Client", settings: JobSettings, after: int, through: int) -> "pa.Table":
    """The erased deliveries of the batches that these erasures touched."""
    columns = ", ".join(column.name for column in catalog.DELIVERIES.columns)
    sql = f"""
        select {columns} from `{table_id(settings, catalog.DELIVERIES)}`
        where disposition = '{ERASED}' and batch_id in (
            select batch_id from `{table_id(settings, catalog.ERASURES)}`
            where erasure_id > @after and erasure_id <= @through)
        """
    return conform(delta_rows.read(client, sql, after=after, through=through), catalog.DELIVERIES)
