"""One micro-batch into the warehouse: a load job into a staging table of its own, then one transaction, or nothing.

Belongs here: the load, the transaction, and finding out what became of one whose answer was lost. Does not belong here:
which records a batch has (pipeline.py), what runs when (process_payments.py).
"""

import itertools
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from spark_jobs import tables
from spark_jobs.checkpoints import Interval
from spark_jobs.contract import WATERMARK_DELAY, Disposition
from spark_jobs.dedup_state import NOTHING_SEEN
from spark_jobs.incidents import Incident, Kind
from spark_jobs.receipts import BatchTally
from spark_jobs.report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse import Control, offsets_to_json, read_control, run, table_id

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

MAX_ATTEMPTS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAGING_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Batch:
    """All that the warehouse is told of one micro-batch."""

    spark_batch_id: int
    interval: Interval
    tally: BatchTally
    started_at: datetime
    process_seconds: float


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
        return self._report(batch, load_seconds, transaction_seconds)

    def _check(self, batch: Batch) -> None:
        ends = self.control.end_offsets
        if any(ends.get(partition, 0) != start for partition, start in batch.interval.start.items()):
            raise Incident(
                Kind.STATE_MISMATCH,
                f"batch {batch.spark_batch_id} starts at {batch.interval.start}, but {ends} is published.",
            )
        gaps = {
            partition: (length, batch.tally.delivered_in(partition))
            for partition, length in batch.interval.lengths().items()
            if batch.tally.delivered_in(partition) != length
        }
        if gaps:
            raise Incident(
                Kind.OFFSET_GAP,
                f"by partition, offsets spanned and records read differ: {gaps}; a transactional producer or "
                f"compaction leaves such gaps, and this topic must have neither.",
            )
        if batch.tally.watermarks != {_microseconds(self.control.watermark)}:
            raise Incident(
                Kind.STATE_MISMATCH,
                f"the state judged lateness by {sorted(map(str, batch.tally.watermarks))}, the warehouse has "
                f"{_microseconds(self.control.watermark)}.",
            )

    def _load(self, batch: Batch) -> str:
        """The staging table, loaded. A job that an earlier attempt began is adopted; only a failed one is repeated."""
        from google.api_core.exceptions import Conflict, GoogleAPICallError

        name = f"{self.control.generation}_{batch.spark_batch_id}"
        staging = f"{self._settings.project}.{self._settings.dataset}.staging_{name}"
        failures: list[str] = []
        for attempt in itertools.count():
            job_id = f"{self._settings.pipeline}_load_{name}_{attempt}"
            job: Any
            try:
                is_ours = True
                job = self._client.load_table_from_uri(
                    list(batch.tally.uris), staging, job_id=job_id, job_config=_load_config()
                )
            except Conflict:
                is_ours = False
                job = self._client.get_job(job_id)
            try:
                job.result()
            except GoogleAPICallError as error:
                # A failed id is burnt. One that an earlier run burnt says nothing of this one.
                failures += [error.message or str(error)] * is_ours
                if len(failures) == MAX_ATTEMPTS:
                    break
            else:
                return staging
        raise Incident(Kind.LOAD_FAILED, f"the load job failed {MAX_ATTEMPTS} times; the last said: {failures[-1]}")

    def _commit(self, batch: Batch, staging: str, load_seconds: float) -> Control:
        from google.api_core.exceptions import GoogleAPICallError

        parameters = self._parameters(batch, load_seconds)
        sql = _publish_sql(self._settings, staging)
        failure = ""
        for attempt in range(MAX_ATTEMPTS):
            job_id = f"{self._settings.pipeline}_publish_{staging.rpartition('.')[2]}_{self.control.epoch}_{attempt}"
            try:
                run(self._client, sql, parameters, job_id)
            except (GoogleAPICallError, ConnectionError, TimeoutError) as error:
                failure = str(error).partition("\n")[0]
            published = self._read_back(batch)
            if published is not None:
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

    def _parameters(self, batch: Batch, load_seconds: float) -> dict[str, Any]:
        tally, control = batch.tally, self.control
        return {
            "pipeline": control.pipeline,
            "topic": control.topic,
            "generation": control.generation,
            "epoch": control.epoch,
            "batch_id": control.last_batch_id + 1,
            "spark_batch_id": batch.spark_batch_id,
            "old_offsets": offsets_to_json(control.end_offsets),
            "new_offsets": offsets_to_json(control.end_offsets | batch.interval.end),
            "start_offsets": offsets_to_json(batch.interval.start),
            "end_offsets": offsets_to_json(batch.interval.end),
            "delivered": tally.delivered,
            **{f"{name.lower()}_count": tally.count(name) for name in Disposition},
            "watermark": control.watermark,
            "next_watermark": _next_watermark(tally),
            "min_kafka_timestamp": _at(tally.kafka_timestamp_percentile(0)),
            "p05_kafka_timestamp": _at(tally.kafka_timestamp_percentile(5)),
            "p50_kafka_timestamp": _at(tally.kafka_timestamp_percentile(50)),
            "max_kafka_timestamp": _at(tally.kafka_timestamp_percentile(100)),
            "state_keys": tally.state_keys,
            "state_bytes": tally.state_bytes,
            "process_seconds": batch.process_seconds,
            "load_seconds": load_seconds,
            "started_at": batch.started_at,
            "partitions": [_partition_row(batch, partition) for partition in sorted(batch.interval.end)],
            "amounts": [
                {"disposition": d, "currency": c, "record_count": count, "amount_minor": Decimal(minor)}
                for (d, c), (count, minor) in sorted(tally.amounts.items())
            ],
        }

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
            watermark=_at(next(iter(tally.watermarks))),
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


def _publish_sql(settings: JobSettings, staging: str) -> str:
    """The transaction: everything, or, where the epoch or the offsets have moved on, nothing."""
    deliveries, delivery_values = _insert_lists(tables.DELIVERIES)
    transactions, transaction_values = _insert_lists(tables.TRANSACTIONS)
    ledger = ", ".join(c.name for c in tables.LEDGER.columns)
    counts = "delivered, unique_count, duplicate_count, late_count, quarantined_count"
    name = {table: f"`{table_id(settings, table)}`" for table in tables.TABLES}
    return f"""
    begin transaction;
    insert into {name[tables.DELIVERIES]} ({deliveries}) select {delivery_values} from `{staging}`;
    assert @@row_count = @delivered as 'the staging table does not hold the batch';
    insert into {name[tables.TRANSACTIONS]} ({transactions})
        select {transaction_values} from `{staging}` where disposition = 'UNIQUE';
    insert into {name[tables.LEDGER_PARTITIONS]}
        (batch_id, topic, kafka_partition, start_offset, end_offset, {counts})
        select @batch_id, @topic, p.kafka_partition, p.start_offset, p.end_offset, p.delivered, p.unique_count,
            p.duplicate_count, p.late_count, p.quarantined_count
        from unnest(@partitions) as p;
    insert into {name[tables.LEDGER_AMOUNTS]} (batch_id, disposition, currency, record_count, amount_minor)
        select @batch_id, a.disposition, a.currency, a.record_count, a.amount_minor from unnest(@amounts) as a;
    insert into {name[tables.LEDGER]} ({ledger})
        select @batch_id, @pipeline, @generation, @spark_batch_id, @epoch, @topic, @start_offsets, @end_offsets,
            @delivered, @unique_count, @duplicate_count, @late_count, @quarantined_count, @watermark, @next_watermark,
            @min_kafka_timestamp, @max_kafka_timestamp,
            timestamp_diff(current_timestamp(), @p50_kafka_timestamp, microsecond) / 1e6,
            timestamp_diff(current_timestamp(), @p05_kafka_timestamp, microsecond) / 1e6,
            @state_keys, @state_bytes, @process_seconds, @load_seconds, @started_at, current_timestamp();
    update {name[tables.CONTROL]}
        set end_offsets = @new_offsets, last_batch_id = @batch_id, watermark = @next_watermark,
            updated_at = current_timestamp()
        where pipeline = @pipeline and epoch = @epoch and end_offsets = @old_offsets;
    assert @@row_count = 1 as 'fenced off: the epoch or the offsets have moved on';
    commit transaction;
    """


def _insert_lists(table: tables.Table) -> tuple[str, str]:
    given = {"topic": "@topic", "batch_id": "@batch_id"}
    names = [column.name for column in table.columns]
    return ", ".join(names), ", ".join(given.get(name, name) for name in names)


def _partition_row(batch: Batch, partition: int) -> dict[str, Any]:
    tally = batch.tally
    return {
        "kafka_partition": partition,
        "start_offset": batch.interval.start[partition],
        "end_offset": batch.interval.end[partition],
        "delivered": tally.delivered_in(partition),
        **{f"{name.lower()}_count": tally.count(name, partition) for name in Disposition},
    }


def _next_watermark(tally: BatchTally) -> datetime | None:
    at = None if tally.max_event_time == NOTHING_SEEN else _at(tally.max_event_time)
    return at and at - WATERMARK_DELAY


def _at(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)


def _seconds_since(microseconds: int | None, now: datetime) -> float:
    return 0.0 if microseconds is None else (now - _EPOCH).total_seconds() - microseconds / 1e6
