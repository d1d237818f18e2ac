"""One micro-batch into the warehouse: a load job into a staging table of its own, then one transaction, or nothing.

Belongs here: the load, the transaction, and finding out what became of one whose answer was lost. Does not belong here:
which records a batch has (pipeline.py), what runs when (process_payments.py).
"""

import itertools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.checkpoints import Interval
from spark_jobs.contract import Disposition
from spark_jobs.crashpoints import Point, crash_point
from spark_jobs.incidents import Incident, Kind
from spark_jobs.report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.times import from_microseconds, to_microseconds
from spark_jobs.transaction import Batch, parameters, publish_sql
from spark_jobs.warehouse import Control, read_control, run

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

MAX_ATTEMPTS = 4


class Publisher:
    """Publishes batch after batch under one epoch. `control` is what the warehouse held after the last one."""

    def __init__(self, client: "Client", settings: JobSettings, control: Control) -> None:
        self._client = client
        self._settings = settings
        self.control = control

    def is_published(self, interval: Interval) -> bool:
        """Whether a batch that Spark replays is in the warehouse already."""
        ends = self.control.end_offsets
        return all(ends.get(partition, 0) == end for partition, end in interval.end.items())

    def publish(self, batch: Batch) -> BatchReport:
        """Load and commit one batch.

        Raises:
            Incident: the batch does not follow on what is published, or another run has taken over.
        """
        self._check(batch)
        clock = time.monotonic()
        staging = self._load(batch)
        load_seconds = time.monotonic() - clock
        clock = time.monotonic()
        self.control = self._commit(batch, staging, load_seconds)
        transaction_seconds = time.monotonic() - clock
        self._client.delete_table(staging, not_found_ok=True)
        crash_point(Point.STAGING_DROPPED)
        return self._report(batch, load_seconds, transaction_seconds)

    def _check(self, batch: Batch) -> None:
        ends = self.control.end_offsets
        if any(ends.get(partition, 0) != start for partition, start in batch.interval.start.items()):
            raise Incident(
                Kind.STATE_MISMATCH,
                f"batch {batch.spark_batch_id} starts at {batch.interval.start}, but {ends} is published.",
            )
        read = {partition: 0 for partition, _ in batch.tally.partition_counts}
        gaps = {
            partition: (length, batch.tally.delivered_in(partition))
            for partition, length in (read | batch.interval.lengths()).items()
            if batch.tally.delivered_in(partition) != length
        }
        if gaps:
            raise Incident(
                Kind.OFFSET_GAP,
                f"by partition, offsets spanned and records read differ: {gaps}; a transactional producer or "
                f"compaction leaves such gaps, and this topic must have neither.",
            )
        if batch.tally.watermarks != {to_microseconds(self.control.watermark)}:
            raise Incident(
                Kind.STATE_MISMATCH,
                f"the state judged lateness by {sorted(map(str, batch.tally.watermarks))}, the warehouse has "
                f"{to_microseconds(self.control.watermark)}.",
            )

    def _load(self, batch: Batch) -> str:
        """The staging table, loaded. A job that an earlier attempt began is adopted; only a failed one is repeated."""
        from google.api_core.exceptions import GoogleAPICallError

        name = f"{self.control.generation}_{batch.spark_batch_id}"
        staging = f"{self._settings.project}.{self._settings.dataset}.staging_{name}"
        failures: list[str] = []
        for attempt in itertools.count():
            job, is_ours = self._load_job(f"{self._settings.pipeline}_load_{name}_{attempt}", batch, staging)
            crash_point(Point.LOAD_ACCEPTED)
            try:
                job.result()
                self._client.get_table(staging)
            except GoogleAPICallError as error:
                # A failed id is burnt, and so is one whose table has expired. What an earlier run burnt says nothing.
                failures += [(error.message or str(error)).partition("\n")[0]] * is_ours
                if len(failures) == MAX_ATTEMPTS:
                    break
            else:
                crash_point(Point.LOAD_DONE)
                return staging
        raise Incident(Kind.LOAD_FAILED, f"the load job failed {MAX_ATTEMPTS} times; the last said: {failures[-1]}")

    def _load_job(self, job_id: str, batch: Batch, staging: str) -> tuple[Any, bool]:
        """The job of that id, and whether it was begun just now."""
        from google.api_core.exceptions import Conflict

        try:
            uris = list(batch.tally.uris)
            job = self._client.load_table_from_uri(uris, staging, job_id=job_id, job_config=_load_config())
        except Conflict:
            return self._client.get_job(job_id), False
        return job, True

    def _commit(self, batch: Batch, staging: str, load_seconds: float) -> Control:
        from google.api_core.exceptions import GoogleAPICallError

        values = parameters(batch, self.control, load_seconds)
        sql = publish_sql(self._settings, staging)
        failure = ""
        for attempt in range(MAX_ATTEMPTS):
            job_id = f"{self._settings.pipeline}_publish_{staging.rpartition('.')[2]}_{self.control.epoch}_{attempt}"
            try:
                run(self._client, sql, values, job_id)
            except (GoogleAPICallError, ConnectionError, TimeoutError) as error:
                failure = str(error).partition("\n")[0]
            crash_point(Point.COMMIT_ANSWERED)
            published = self._read_back(batch)
            if published is not None:
                crash_point(Point.LEDGER_SEEN)
                return published
            time.sleep(min(0.2 * 2**attempt, 2.0))
        raise Incident(Kind.LOAD_FAILED, f"the transaction failed {MAX_ATTEMPTS} times; the last said: {failure}")

    def _read_back(self, batch: Batch) -> Control | None:
        """The control row if the batch is in; None if it is not and may be tried again."""
        now = read_control(self._client, self._settings)
        if now is None or now.epoch != self.control.epoch:
            raise Incident(Kind.FENCED, "another run took over the pipeline; this one leaves it alone.")
        ends = self.control.end_offsets | batch.interval.end
        return now if now.end_offsets == ends else None

    def _report(self, batch: Batch, load_seconds: float, transaction_seconds: float) -> BatchReport:
        tally, now = batch.tally, datetime.now(UTC)
        return BatchReport(
            batch_id=self.control.last_batch_id,
            spark_batch_id=batch.spark_batch_id,
            generation=self.control.generation,
            epoch=self.control.epoch,
            start_offsets=batch.interval.start,
            end_offsets=batch.interval.end,
            delivered=tally.delivered,
            unique=tally.count(Disposition.UNIQUE),
            duplicate=tally.count(Disposition.DUPLICATE),
            late=tally.count(Disposition.LATE),
            quarantined=tally.count(Disposition.QUARANTINED),
            watermark=from_microseconds(next(iter(tally.watermarks))),
            next_watermark=self.control.watermark,
            latency_p50_seconds=_seconds_since(tally.kafka_timestamp_percentile(50), now),
            latency_p95_seconds=_seconds_since(tally.kafka_timestamp_percentile(5), now),
            state_keys=tally.state_keys,
            state_bytes=tally.state_bytes,
            process_seconds=batch.process_seconds,
            load_seconds=load_seconds,
            transaction_seconds=transaction_seconds,
            published_at=now,
        )


def _load_config() -> Any:
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


def _seconds_since(timestamp: int | None, now: datetime) -> float:
    return 0.0 if timestamp is None else now.timestamp() - timestamp / 1e6
