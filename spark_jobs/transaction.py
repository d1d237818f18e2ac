"""The transaction that publishes a micro-batch: its text and its values.

Belongs here: what goes into which table. Does not belong here: running it, and finding out what became of it
(publishing.py).
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from spark_jobs import tables
from spark_jobs.checkpoints import Interval
from spark_jobs.contract import WATERMARK_MICROSECONDS, Disposition
from spark_jobs.receipts import BatchTally
from spark_jobs.settings import JobSettings
from spark_jobs.tagging import watermark_of
from spark_jobs.times import from_microseconds
from spark_jobs.warehouse import Control, offsets_to_json, table_id


@dataclass(frozen=True, slots=True)
class Batch:
    """All that the warehouse is told of one micro-batch."""

    spark_batch_id: int
    interval: Interval
    tally: BatchTally
    started_at: datetime
    process_seconds: float


def publish_sql(settings: JobSettings, staging: str) -> str:
    """The transaction: everything, or, where the epoch or the offsets have moved on, nothing. Then the control row."""
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
    select control.* from {name[tables.CONTROL]} as control where control.pipeline = @pipeline;
    """


def _insert_lists(table: tables.Table) -> tuple[str, str]:
    given = {"topic": "@topic", "batch_id": "@batch_id"}
    names = [column.name for column in table.columns]
    return ", ".join(names), ", ".join(given.get(name, name) for name in names)


def parameters(batch: Batch, control: Control, load_seconds: float) -> dict[str, Any]:
    """Values of `publish_sql`, by name."""
    tally = batch.tally
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
        "next_watermark": from_microseconds(watermark_of(tally.max_event_time, WATERMARK_MICROSECONDS)),
        "min_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(0)),
        "p05_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(5)),
        "p50_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(50)),
        "max_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(100)),
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


def _partition_row(batch: Batch, partition: int) -> dict[str, Any]:
    tally = batch.tally
    return {
        "kafka_partition": partition,
        "start_offset": batch.interval.start[partition],
        "end_offset": batch.interval.end[partition],
        "delivered": tally.delivered_in(partition),
        **{f"{name.lower()}_count": tally.count(name, partition) for name in Disposition},
    }
