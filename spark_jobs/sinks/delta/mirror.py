"""Delta beside the warehouse: it follows what the warehouse has committed, and is brought up to it where it lags.

Belongs here: the order of the two, and repair. Does not belong here: Delta without a warehouse (store).
A batch is never in Delta before the warehouse has it, so there is nothing to take back; and whatever Delta lacks, the
warehouse still has.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import CommitProperties, Transaction

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.deduplication.dispositions import DISPOSITIONS
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.control import Control
from spark_jobs.publishing.protocol import BatchPublisher
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.delta import rows as delta_rows
from spark_jobs.sinks.delta.erasures import follow_erasures
from spark_jobs.sinks.delta.tables import (
    BATCH_TABLES,
    append_once,
    failures_as_incidents,
    schema_of,
    upgrade_table,
    version_of,
)
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures_as_incidents as warehouse_failures_as_incidents

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

MAX_RECORDS = 200_000
"""So many records, or one batch, are read back from the warehouse at a time."""


class Mirror:
    """The Delta tables of one pipeline. Application versions in their logs say how far each has come.

    `<pipeline>` counts batches, by the ledger's batch_id, `<pipeline>:corrections` corrections, `<pipeline>:erasures`
    erasures.
    """

    def __init__(self, client: "Client", settings: JobSettings) -> None:
        self._client = client
        self._settings = settings
        self._batches = settings.pipeline
        self._corrections = f"{settings.pipeline}:corrections"
        with failures_as_incidents(settings):
            self._tables = {table: upgrade_table(settings, table) for table in BATCH_TABLES}

    @property
    def last_batch_id(self) -> int:
        """The newest batch that all the tables hold."""
        return min(version_of(table, self._batches) for table in self._tables.values())

    @property
    def correction_count(self) -> int:
        """The newest correction that the payments have followed."""
        return version_of(self._tables[catalog.TRANSACTIONS], self._corrections)

    def insist_on_following(self, control: Control) -> None:
        """Make sure that no table is ahead of the warehouse, whose batches would be taken for those that it has.

        Raises:
            Incident: DELTA_FAILED, where one is: the dataset was set back to an earlier point.
        """
        newest = max(version_of(table, self._batches) for table in self._tables.values())
        if newest <= control.last_batch_id and self.correction_count <= control.correction_count:
            return
        with warehouse_failures_as_incidents():
            now = read_control(self._client, self._settings)
        # A run that took over may have published meanwhile, and this one is fenced.
        if now and newest <= now.last_batch_id and self.correction_count <= now.correction_count:
            return
        raise Incident(
            IncidentKind.DELTA_FAILED,
            f"{self._settings.delta_location} is ahead, at batch {newest}, and the warehouse at "
            f"{control.last_batch_id}: the dataset was set back. Delete that folder, and the next run fills it again.",
        )

    def follow(self, batch: Batch, report: BatchReport, control: Control) -> None:
        """Take over a batch that the warehouse has just committed."""
        # Where the warehouse knew better than the stream, its own rows say what became of the records.
        is_as_tagged = all(getattr(report, d.lower()) == batch.tally.count(d) for d in DISPOSITIONS)
        if is_as_tagged and not report.erased and self.last_batch_id == report.batch_id - 1:
            with failures_as_incidents(self._settings):
                records = delta_rows.staged(batch, self._settings.topic, report.batch_id)
                rows = delta_rows.of_batch(records, report, control.digest)
                for table, handle in self._tables.items():
                    append_once(handle, rows[table], self._batches, report.batch_id)
                    crash_point(Point.DELTA_BEGUN)
        self.catch_up(control)
        crash_point(Point.DELTA_WRITTEN)

    def catch_up(self, control: Control) -> None:
        """Bring every table to what the warehouse has published, from the warehouse's own rows."""
        with warehouse_failures_as_incidents(), failures_as_incidents(self._settings):
            for through in self._portions(control):
                for table, handle in self._tables.items():
                    handle.update_incremental()
                    after = version_of(handle, self._batches)
                    if after < through:
                        rows = delta_rows.published(self._client, self._settings, table, after, through)
                        append_once(handle, rows, self._batches, through)
            self._follow_corrections(control)
            follow_erasures(self._client, self._settings, self._tables, control)

    def _portions(self, control: Control) -> Iterator[int]:
        """The batches up to which to read, one time after the other."""
        if self.last_batch_id >= control.last_batch_id:
            return
        sql = f"""
            select batch_id, delivered from `{table_id(self._settings, catalog.LEDGER)}`
            where batch_id > @after and batch_id <= @through order by batch_id
            """
        bound = {"after": self.last_batch_id, "through": control.last_batch_id}
        waiting = 0
        for row in run(self._client, sql, bound):
            waiting += row["delivered"]
            if waiting >= MAX_RECORDS or row["batch_id"] == control.last_batch_id:
                yield row["batch_id"]
                waiting = 0

    def _follow_corrections(self, control: Control) -> None:
        """What was decided since: of each delivery the last decision says whether its payment counts, if not erased."""
        after, payments = self.correction_count, self._tables[catalog.TRANSACTIONS]
        if control.correction_count <= after:
            return
        columns = ", ".join(column.name for column in catalog.TRANSACTIONS.columns)
        sql = f"""
            select if(transaction_id is null, -1, payments_added) as payments_added, {columns}
            from `{table_id(self._settings, catalog.CORRECTIONS)}`
            where correction_id > @after and correction_id <= @through and payments_added != 0
            qualify row_number() over (
                partition by topic, kafka_partition, kafka_offset order by correction_id desc) = 1
            """
        decided = delta_rows.read(self._client, sql, after=after, through=control.correction_count)
        if decided.num_rows:
            self._merge(decided, control.correction_count)
        # A merge that finds everything done commits nothing.
        append_once(
            payments, schema_of(catalog.TRANSACTIONS).empty_table(), self._corrections, control.correction_count
        )

    def _merge(self, decided: pa.Table, version: int) -> None:
        columns = {column.name: f"s.{column.name}" for column in catalog.TRANSACTIONS.columns}
        (
            self._tables[catalog.TRANSACTIONS]
            .merge(
                decided,
                "t.topic = s.topic and t.kafka_partition = s.kafka_partition and t.kafka_offset = s.kafka_offset",
                source_alias="s",
                target_alias="t",
                commit_properties=CommitProperties(app_transactions=[Transaction(self._corrections, version)]),
            )
            .when_matched_delete(predicate="s.payments_added < 0")
            .when_not_matched_insert(columns, predicate="s.payments_added > 0")
            .execute()
        )


class MirroredPublisher:
    """Publishes to the warehouse, and has Delta follow. Delta is brought up to date when it is made.

    One whose `publish` raised is not asked again: Delta follows the batch as this process published it. A new one asks
    the warehouse what the batch became.
    """

    def __init__(self, publisher: BatchPublisher, client: "Client", settings: JobSettings) -> None:
        self._publisher = publisher
        self._mirror = Mirror(client, settings)
        self._mirror.insist_on_following(publisher.control)
        self._mirror.catch_up(publisher.control)

    @property
    def control(self) -> Control:
        """What the warehouse held after the last batch."""
        return self._publisher.control

    def is_published(self, interval: Interval) -> bool:
        """Whether the warehouse has it; Delta has what the warehouse has."""
        return self._publisher.is_published(interval)

    def publish(self, batch: Batch) -> BatchReport:
        """One batch to both; raises as the warehouse's publisher does, and DELTA_FAILED."""
        report = self._publisher.publish(batch)
        self._mirror.follow(batch, report, self.control)
        return report
