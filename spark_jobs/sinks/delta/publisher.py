"""A micro-batch into Delta tables alone: several commits, of which the last one, of the control row, counts.

Belongs here: the order of a batch's commits, and what makes them one. Does not belong here: the rest of a pipeline's
state (store). Every commit names the pipeline in the table's log, so that Delta itself refuses the one of two
writers who did not see the other.
"""

import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError

from spark_jobs.contract.payment_event import Disposition
from spark_jobs.crash_points import Point, crash_point
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch import AlreadyPublished, Batch, Interval, retract
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.checks import check_batch, holds, report_of
from spark_jobs.publishing.control import Control, control_of, last_records_after
from spark_jobs.publishing.ledger import claims_in, ledger_of
from spark_jobs.publishing.look_back import searched_in
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta import rows as delta_rows
from spark_jobs.sinks.delta.tables import (
    BATCH_TABLES,
    MAX_ATTEMPTS,
    METRICS,
    append,
    conform,
    failures_as_incidents,
    open_table,
    query,
)
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.streaming.tally import BatchTally
from spark_jobs.tables import catalog
from spark_jobs.tables.ledger_digest import digest as digest_of

FENCED = "another run took over the pipeline; this one leaves it alone."

RETRACTED = replace(
    catalog.TRANSACTIONS,
    name="retracted_payments",
    description="Payments that the stream took for new although their id was published: what their deliveries say.",
)

OWN_TABLES = (*BATCH_TABLES, RETRACTED)
"""What a batch goes into where there is no warehouse."""


class DeltaPublisher:
    """Publishes batch after batch under one epoch."""

    def __init__(self, settings: JobSettings, control: Control) -> None:
        self._settings = settings
        self.control = control
        self._tables: dict[catalog.Table, DeltaTable] = {}

    def is_published(self, interval: Interval) -> bool:
        """Whether it is the newest batch that the control row has."""
        return holds(self.control, interval)

    def publish(self, batch: Batch) -> BatchReport:
        """Write and commit one batch.

        Raises:
            CheckpointUnusable: the batch does not follow on what is published.
            Incident: records are missing in it, another run has taken over, or Delta refused.
        """
        check_batch(batch, self.control)
        with failures_as_incidents(self._settings):
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    return self._attempt(batch)
                except CommitFailedError:
                    # Somebody else has written, or our own answer was lost: the tables themselves say which.
                    self._tables = {}
                    if attempt == MAX_ATTEMPTS:
                        raise
        raise AssertionError("unreachable")

    def _attempt(self, batch: Batch) -> BatchReport:
        if not self._tables:
            self._open()
        if self.is_published(batch.interval):
            return self._read_back(batch)
        # Not to be trusted again before the control row is written.
        handles, self._tables = self._tables, {}
        clock, following = time.monotonic(), self.control.last_batch_id + 1
        records = delta_rows.staged(batch, self._settings.topic, following)
        is_known = self._known_among(batch.tally, records, handles)
        retracted = records.filter(is_known)
        records = _tagged_as_duplicate(records, is_known)
        batch = retract(batch, AlreadyPublished(_places_of(retracted)))
        _check_staged(records, batch)
        next_control = self._following(batch)
        report = report_of(batch, next_control, time.monotonic() - clock, 0)
        digest = self._digest(batch, records, report.published_at)
        rows = delta_rows.of_batch(records, report, digest) | {RETRACTED: conform(retracted, RETRACTED)}
        for table in OWN_TABLES:
            # Also where it has no rows: the commit's number is what keeps out a writer who has not seen it.
            append(handles[table], rows[table], self._settings.pipeline, following)
            crash_point(Point.DELTA_BEGUN)
        next_control = replace(next_control, digest=digest)
        write_control(handles[catalog.CONTROL], next_control)
        crash_point(Point.DELTA_WRITTEN)
        self._tables, self.control = handles, next_control
        return replace(report, transaction_seconds=time.monotonic() - clock - report.load_seconds)

    def _open(self) -> None:
        """Read the state anew, and take out what an attempt of before has left."""
        handles, now = open_tables(self._settings)
        if now is None or now.epoch != self.control.epoch:
            raise Incident(IncidentKind.FENCED, FENCED)
        for table in OWN_TABLES:
            take_out_after(handles[table], now.last_batch_id)
        self._tables, self.control = handles, now

    def _read_back(self, batch: Batch) -> BatchReport:
        """The report of the newest batch, whose commit was not heard of."""
        ask = f"select * from t where batch_id = {self.control.last_batch_id}"
        [row] = [row for part in query(self._tables[METRICS], ask) for row in part.to_pylist()]
        report = report_of(batch, self.control, row["load_seconds"], 0)
        counts = {"unique": row["unique_count"], "duplicate": row["duplicate_count"]}
        return replace(report, published_at=row["published_at"], **counts)

    def _digest(self, batch: Batch, records: pa.Table, published_at: datetime) -> str:
        reported = claims_in(ledger_of(batch, self.control), self.control.digest)
        return digest_of(reported, delta_rows.content_hash_of(records), published_at)

    def _following(self, batch: Batch) -> Control:
        return replace(
            self.control,
            last_batch_id=self.control.last_batch_id + 1,
            end_offsets=self.control.end_offsets | batch.interval.end,
            watermark=batch.next_watermark,
            last_records=last_records_after(self.control, batch.tally.last_records),
            updated_at=datetime.now(UTC),
        )

    def _known_among(
        self, tally: BatchTally, records: pa.Table, handles: dict[catalog.Table, DeltaTable]
    ) -> pa.ChunkedArray:
        """Of each record, whether the stream took it for new although its id is published."""
        is_new = pc.equal(records["disposition"], Disposition.UNIQUE.value)
        searched = searched_in(tally, self.control.watermark, self._settings.lookback_days)
        if searched is None:
            return pc.and_(is_new, False)
        ids = pc.if_else(is_new, records["transaction_id"], None).combine_chunks()
        known = _published_among(ids, handles[catalog.TRANSACTIONS], *searched)
        return pc.and_(is_new, pc.is_in(records["transaction_id"], value_set=known))


def _tagged_as_duplicate(records: pa.Table, which: pa.ChunkedArray) -> pa.Table:
    tagged = pc.if_else(which, Disposition.DUPLICATE.value, records["disposition"])
    return records.set_column(records.schema.get_field_index("disposition"), "disposition", tagged)


def _places_of(retracted: pa.Table) -> tuple[tuple[int, str, int], ...]:
    columns = (retracted[name].to_pylist() for name in ("kafka_partition", "currency", "amount_minor"))
    return tuple(zip(*columns, strict=True))


def _check_staged(records: pa.Table, batch: Batch) -> None:
    """Make sure that the staged files hold what the tally says."""
    found = {row["values"]: row["counts"] for row in pc.value_counts(records["disposition"]).to_pylist()}
    counts = {d.value: batch.tally.count(d) for d in Disposition}
    reported = {name: count for name, count in counts.items() if count}
    if found != reported:
        message = f"the staged files hold {found}, the batch is {reported}; the next run stages it anew."
        raise Incident(IncidentKind.LOAD_FAILED, message)


def _published_among(ids: pa.Array, payments: DeltaTable, since: datetime, until: datetime) -> pa.Array:
    """Which ids are those of payments made in that time: of newer ones the stream knows by itself."""
    found = pa.array([], pa.string())
    made = f"event_time >= '{since.isoformat()}' and event_time < '{until.isoformat()}'"
    for batch in query(payments, f"select transaction_id from t where {made}"):
        published = batch["transaction_id"].cast(pa.string())
        found = pa.concat_arrays([found, published.filter(pc.is_in(published, value_set=ids))])
    return found


def open_tables(settings: JobSettings) -> tuple[dict[catalog.Table, DeltaTable], Control | None]:
    """All tables, and the control row as it was once they were open.

    In this order: as long as the epoch is the caller's there is no row in them of a run that took over from it.
    """
    handles = {table: open_table(settings, table) for table in (*OWN_TABLES, catalog.CONTROL)}
    return handles, control_in(handles[catalog.CONTROL], settings.pipeline)


def control_in(table: DeltaTable, pipeline: str) -> Control | None:
    """The pipeline's row."""
    rows = [row for batch in query(table, "select * from t") for row in batch.to_pylist()]
    return next((control_of(row) for row in rows if row["pipeline"] == pipeline), None)


def write_control(table: DeltaTable, control: Control) -> None:
    """Replace the row that `table` was read with; Delta refuses where that is no longer the newest."""
    row: dict[str, Any] = asdict(control) | {"end_offsets": offsets_to_json(control.end_offsets)}
    rows = conform(pa.Table.from_pylist([row]), catalog.CONTROL)
    properties = CommitProperties(app_transactions=[Transaction(control.pipeline, control.last_batch_id)])
    write_deltalake(table, rows, mode="overwrite", commit_properties=properties)


def take_out_after(table: DeltaTable, batch_id: int) -> None:
    """Delete what was written of batches that were never committed: of what `table` was opened with, nothing later."""
    table.delete(f"batch_id > {batch_id}")
