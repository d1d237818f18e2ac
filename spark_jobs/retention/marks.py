"""What is on record of days that have expired: the table retention_marks.

Belongs here: reading and writing it. Does not belong here: what follows from it (kept), having rows expire (expire).
"""

from datetime import datetime
from typing import TYPE_CHECKING

from spark_jobs.retention.kept import Kept, Mark
from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import RETENTION_MARKS
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


def read_kept(client: "Client", settings: JobSettings, session_id: str | None = None) -> Kept:
    """What is kept now. The table has a row a day and thing that is kept."""
    sql = f"select kept, kept_from, last_batch_id from `{table_id(settings, RETENTION_MARKS)}`"
    return Kept.of_rows(run(client, sql, {}, session_id=session_id))


def write_mark(client: "Client", settings: JobSettings, kept: str, mark: Mark, marked_by: str, at: datetime) -> None:
    """Add it, unless it is there already."""
    names = ("kept", "kept_from", "last_batch_id", "marked_by", "marked_at")
    sql = f"""
        merge into `{table_id(settings, RETENTION_MARKS)}` as known
        using (select @kept as kept, cast(@kept_from as date) as kept_from) as made
        on known.kept = made.kept and known.kept_from = made.kept_from
        when not matched then insert ({", ".join(names)})
            values (made.kept, made.kept_from, @last_batch_id, @marked_by, @marked_at)
        """
    values = {
        "kept": kept,
        "kept_from": mark.kept_from.isoformat(),
        "last_batch_id": mark.last_batch_id,
        "marked_by": marked_by,
        "marked_at": at,
    }
    run(client, sql, values)
