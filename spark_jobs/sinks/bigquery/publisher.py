"""One micro-batch into the warehouse: a load job into a staging table of its own, then one transaction, or nothing.

Belongs here: the load, the transaction, and finding out what became of one whose answer was lost. Does not belong here:
which records a batch has (streaming), what runs when (process_payments).
"""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.publishing.batch import Batch, Interval, retract
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.checks import check_batch, holds, report_of
from spark_jobs.publishing.control import Control, control_of
from spark_jobs.publishing.look_back import Searched, searched_in
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.already_published import (
    FoundInWarehouse,
    already_published_sql,
    already_published_values,
)
from spark_jobs.sinks.bigquery.day_spans import spans_of
from spark_jobs.sinks.bigquery.publish_sql import parameters, publish_sql
from spark_jobs.tables.names import staging_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import begin, bounds, failures, failures_as_incidents, kind_of, wait_for
from spark_jobs.warehouse.transactions import Rows, run_to_its_end

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


MAX_ATTEMPTS = 4
"""How many jobs are begun where one after the other is DONE and failed."""
LONGEST_PAUSE_SECONDS = 4.0
GONE = "the pipeline's control row is gone: publish nothing until that is settled."


class Publisher:
    """Publishes batch after batch under one epoch. `control` is what the warehouse held after the last one."""

    def __init__(self, client: "Client", settings: JobSettings, control: Control) -> None:
        self._client = client
        self._settings = settings
        self.control = control
        self._known_before = False
        self._transaction_seconds = 0.0

    def is_published(self, interval: Interval) -> bool:
        """Whether a batch that Spark replays is in the warehouse already."""
        return holds(self.control, interval)

    @failures_as_incidents()
    def publish(self, batch: Batch) -> BatchReport:
        """Load and commit one batch.

        Raises:
            CheckpointUnusable: the batch does not follow on what is published.
            Incident: records are missing in it, or another run has taken over.
        """
        check_batch(batch, self.control)
        clock = time.monotonic()
        staging = self._load(batch)
        load_seconds = time.monotonic() - clock
        clock = time.monotonic()
        self.control, batch = self._commit(batch, staging, load_seconds)
        transaction_seconds = time.monotonic() - clock
        # The batch is published, whatever becomes of what it was loaded through.
        with suppress(*failures()):
            self._client.delete_table(staging, not_found_ok=True, **bounds())
        crash_point(Point.STAGING_DROPPED)
        return report_of(batch, self.control, load_seconds, transaction_seconds)

    def _load(self, batch: Batch) -> str:
        """The staging table, loaded."""
        from google.api_core.exceptions import GoogleAPICallError

        name = f"{self.control.generation}_{batch.spark_batch_id}_{run_key(self.control)}"
        staging = staging_id(self._settings, name)

        def attempt(number: int) -> str | Exception:
            job_id = f"{self._settings.pipeline}_load_{name}_{number}"
            load = partial(self._client.load_table_from_uri, list(batch.tally.uris), staging, **bounds())
            try:
                job = begin(self._client, job_id, partial(load, job_id=job_id, job_config=load_config()))
                crash_point(Point.LOAD_ACCEPTED)
                wait_for(job)
            except GoogleAPICallError as error:
                return error
            crash_point(Point.LOAD_DONE)
            return staging

        return _persistently("load job", attempt)

    def _commit(self, batch: Batch, staging: str, load_seconds: float) -> tuple[Control, Batch]:
        """The control row after it, and the batch as it was published."""
        searched = searched_in(batch.tally, self.control.watermark, self._settings.lookback_days)

        def attempt(number: int) -> tuple[Control, Batch] | Exception:
            known = FoundInWarehouse(
                correction_count=self.control.correction_count, erasure_count=self.control.erasure_count
            )
            # Next to never is anything known, and the transaction tells: to ask first would be one more job a batch.
            if self._known_before or number or batch.tally.days_to_ask:
                try:
                    known = self._look_up(staging, searched)
                except failures() as error:
                    # A run that took over has swept the staging table: then that is what happened.
                    self._read_back(batch)
                    return error
            published = retract(batch, known)
            values = parameters(
                self._settings, published, self.control, load_seconds, known, self._transaction_seconds, searched
            )
            sql = publish_sql(self._settings, staging, known, spans_of(batch), searches=searched is not None)
            job_id = f"{self._settings.pipeline}_publish_{staging.rpartition('.')[2]}_{number}"
            answer = run_to_its_end(self._client, sql, values, job_id)
            crash_point(Point.COMMIT_ANSWERED)
            control = self._answered(batch, answer) or self._read_back(batch)
            if control is None:
                return answer if isinstance(answer, Exception) else RuntimeError("the transaction changed nothing")
            crash_point(Point.LEDGER_SEEN)
            self._known_before = bool(known.retracted or known.erased)
            return control, published

        return _persistently("transaction", attempt)

    def _look_up(self, staging: str, searched: Searched | None) -> FoundInWarehouse:
        """What of the batch is published or erased already."""
        rows = run(
            self._client,
            already_published_sql(self._settings, staging, searches=searched is not None),
            already_published_values(self._settings, self.control, searched),
        )
        if not rows:
            raise Incident(IncidentKind.FENCED, GONE)
        return FoundInWarehouse.of(rows)

    def _answered(self, batch: Batch, answer: Rows | Exception) -> Control | None:
        """The control row if the transaction's own answer shows the batch in; None where that has to be looked up."""
        if isinstance(answer, Exception) or not answer:
            return None
        now = control_of(answer[0])
        # Both by the warehouse's clock: the row's is the transaction's start.
        answered_at = answer[0].get("answered_at", now.updated_at)
        self._transaction_seconds = (answered_at - now.updated_at).total_seconds()
        return now if now.epoch == self.control.epoch and self._holds(now, batch) else None

    def _holds(self, now: Control, batch: Batch) -> bool:
        return now.end_offsets == self.control.end_offsets | batch.interval.end

    def _read_back(self, batch: Batch) -> Control | None:
        """The control row if the batch is in; None if it is not and may be tried again."""
        now = read_control(self._client, self._settings)
        if now is None:
            raise Incident(IncidentKind.FENCED, GONE)
        if now.epoch != self.control.epoch:
            raise Incident(IncidentKind.FENCED, "another run took over the pipeline; this one leaves it alone.")
        return now if self._holds(now, batch) else None


def run_key(control: Control) -> str:
    """The run, in the names of its tables and jobs: another run's are neither written to nor taken over.

    The epoch alone would not do: where the dataset was set back to an earlier point, epochs come a second time, and
    the warehouse still knows the jobs of the first.
    """
    return f"{control.epoch}_{sha256(control.holder.encode()).hexdigest()[:8]}"


def _persistently[T](what: str, attempt: Callable[[int], T | Exception]) -> T:
    """What an attempt comes to, if one of MAX_ATTEMPTS comes to anything but a failure."""
    failed: list[Exception] = []
    while len(failed) < MAX_ATTEMPTS:
        if failed:
            time.sleep(min(0.25 * 4 ** len(failed), LONGEST_PAUSE_SECONDS))
        outcome = attempt(len(failed))
        if not isinstance(outcome, Exception):
            return outcome
        failed.append(outcome)
    last = failed[-1]
    message = f"the {what} failed {MAX_ATTEMPTS} times; the last said: {one_line(last)}"
    raise Incident(kind_of(last, IncidentKind.LOAD_FAILED), message)


def load_config() -> Any:
    """Of the load job of a batch's staged files."""
    from google.cloud import bigquery

    return bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        parquet_options=_list_inference(),
    )


def _list_inference() -> Any:
    from google.cloud.bigquery.format_options import ParquetOptions

    options = ParquetOptions()
    options.enable_list_inference = True
    return options
