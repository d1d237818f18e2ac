"""The lease in the warehouse: one row for each pipeline, in a table of its own.

Belongs here: its statements. Each is one statement that changes what it finds by the warehouse's clock, so that of two
at once one comes second and finds nothing to change. Does not belong here: when one is sent (lease).
"""

from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.tables.catalog import LEASES
from spark_jobs.tables.names import table_id
from spark_jobs.turns.lease import LeaseRow
from spark_jobs.warehouse.client import with_values
from spark_jobs.warehouse.retries import failures_as_incidents
from spark_jobs.warehouse.table_setup import ensure_tables, schema_of

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

ANSWER_SECONDS = 6.0
"""How long one request may go without an answer."""
_ONCE: dict[str, Any] = {"retry": None, "timeout": ANSWER_SECONDS}
"""It is not sent again here: the next look is."""

INSERT = """
insert into `{table}` (pipeline, holder, epoch, taken_at, renewed_at, expires_at)
select @pipeline, '', 0, current_timestamp(), current_timestamp(), current_timestamp()
from unnest([1])
where not exists (select 1 from `{table}` where pipeline = @pipeline)
"""
"""Where two send it at once there may be two rows. Both are free, and each later statement changes both alike."""

TAKE = """
update `{table}` set
    holder = @holder,
    epoch = epoch + 1,
    taken_at = current_timestamp(),
    renewed_at = current_timestamp(),
    expires_at = timestamp_add(current_timestamp(), interval @seconds second)
where pipeline = @pipeline and (holder = '' or expires_at <= current_timestamp())
"""

RENEW = """
update `{table}` set
    renewed_at = current_timestamp(),
    expires_at = timestamp_add(current_timestamp(), interval @seconds second)
where pipeline = @pipeline and holder = @holder
"""

LET_GO = """
update `{table}` set holder = '', renewed_at = current_timestamp(), expires_at = current_timestamp()
where pipeline = @pipeline and holder = @holder
"""


class WarehouseLeases:
    """The pipeline's row of pipeline_leases."""

    def __init__(self, client: "Client", settings: JobSettings) -> None:
        self._client = client
        self._settings = settings
        self._table = table_id(settings, LEASES)

    @failures_as_incidents()
    def prepare(self) -> None:
        """Make the table and the row, where one is missing."""
        from google.api_core.exceptions import NotFound

        try:
            row = self._read()
        except NotFound:
            ensure_tables(self._client, self._settings)
            row = None
        if row is None:
            self._send(INSERT, {})

    @failures_as_incidents()
    def read(self) -> LeaseRow:
        """By listing the table's rows, which is billed nothing."""
        row = self._read()
        if row is None:
            # Deleted by hand: whoever asks next makes it anew.
            self._send(INSERT, {})
            row = self._read()
        if row is None:
            raise TimeoutError(f"the row of {self._settings.pipeline!r} in {LEASES.name} is not to be seen yet")
        return row

    @failures_as_incidents()
    def take(self, holder: str, seconds: int) -> None:
        """By one UPDATE."""
        self._send(TAKE, {"holder": holder, "seconds": seconds})

    @failures_as_incidents()
    def renew(self, holder: str, seconds: int) -> None:
        """By one UPDATE."""
        self._send(RENEW, {"holder": holder, "seconds": seconds})

    @failures_as_incidents()
    def let_go(self, holder: str) -> None:
        """By one UPDATE."""
        self._send(LET_GO, {"holder": holder})

    def _read(self) -> LeaseRow | None:
        from google.cloud.bigquery import Table

        schema = schema_of(LEASES)
        for row in self._client.list_rows(Table(self._table, schema=schema), selected_fields=schema, **_ONCE):
            if row["pipeline"] == self._settings.pipeline:
                return LeaseRow(row["holder"], row["epoch"], row["renewed_at"], row["expires_at"])
        return None

    def _send(self, statement: str, values: dict[str, Any]) -> None:
        config = with_values({"pipeline": self._settings.pipeline, **values})
        sql = statement.format(table=self._table)
        self._client.query(sql, job_config=config, job_retry=None, **_ONCE).result(job_retry=None, **_ONCE)
