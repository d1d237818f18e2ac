"""The transaction that publishes a micro-batch: its text and its values.

Belongs here: what goes into which table. Does not belong here: running it, and finding out what became of it
(publisher).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from spark_jobs.contract.times import from_microseconds
from spark_jobs.publishing.batch import Batch
from spark_jobs.publishing.control import Control, last_records_after
from spark_jobs.publishing.ledger import claims_in, ledger_of
from spark_jobs.publishing.look_back import Searched
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.already_published import (
    FoundInWarehouse,
    already_published_values,
    delivered_as,
    erase_again_sql,
    is_new_sql,
    retract_sql,
    source_sql,
    was_not_erased_sql,
)
from spark_jobs.sinks.bigquery.day_spans import DECLARED, FEW_DAYS, DaySpans, insert_by_days
from spark_jobs.source.offsets import offsets_to_json
from spark_jobs.tables import catalog
from spark_jobs.tables.ledger_digest import DIGEST_SQL, content_hash_sql
from spark_jobs.tables.names import sql_names, table_id

_NO_AMOUNT = {"disposition": "", "currency": "", "record_count": 0, "amount_minor": Decimal(0)}


def publish_sql(
    settings: JobSettings,
    staging: str,
    known: FoundInWarehouse,
    spans: DaySpans = FEW_DAYS,
    *,
    searches: bool = True,
) -> str:
    """The transaction: everything, or nothing, where the epoch, the offsets or what is decided or known have moved on.

    It finds out by itself that something is known of the batch: then it has to be told what (already_published).

    Args:
        settings: names the tables.
        staging: the batch's staging table.
        known: what is known of the batch. Payments that the stream took for new and that are published already become
            DUPLICATE, and a correction keeps what they say; deliveries of ids that were erased are ERASED, and a
            receipt counts them.
        spans: the days that the batch touches.
        searches: whether published payments have to be searched for the batch's new ids (publishing.look_back).
    """
    ledger = ", ".join(c.name for c in catalog.LEDGER.columns)
    counts = "delivered, unique_count, duplicate_count, late_count, quarantined_count, ignored_count"
    name = sql_names(settings)
    found = (retract_sql(settings, staging, searches=searches) if known.corrected else "") + (
        erase_again_sql(settings, staging) if known.erased else ""
    )
    delivered, paid = _large_inserts(settings, staging, known, spans, searches=searches)
    return f"""
    {DECLARED if spans.is_cut else ""}begin transaction;{found}
    {delivered}
    {paid}
    insert into {name[catalog.LEDGER_PARTITIONS.name]}
        (batch_id, topic, kafka_partition, start_offset, end_offset, {counts}, hole_count)
        select @batch_id, @topic, p.kafka_partition, p.start_offset, p.end_offset, p.delivered, p.unique_count,
            p.duplicate_count, p.late_count, p.quarantined_count, p.ignored_count, p.hole_count
        from unnest(@partitions) as p;
    insert into {name[catalog.LEDGER_AMOUNTS.name]} (batch_id, disposition, currency, record_count, amount_minor)
        select @batch_id, a.disposition, a.currency, a.record_count, a.amount_minor from unnest(@amounts) as a
        where a.record_count > 0;
    insert into {name[catalog.LEDGER.name]} ({ledger})
        with hashed as ({content_hash_sql(staging)}),
        published as (select current_timestamp() as published_at, content_hash from hashed),
        digested as (select published_at, content_hash, {DIGEST_SQL} as digest from published)
        select @batch_id, @pipeline, @generation, @spark_batch_id, @epoch, @topic, @start_offsets, @end_offsets,
            @delivered, @unique_count, @duplicate_count, @late_count, @quarantined_count, @watermark, @next_watermark,
            @min_kafka_timestamp, @max_kafka_timestamp,
            timestamp_diff(current_timestamp(), @p50_kafka_timestamp, microsecond) / 1e6 + @transaction_seconds,
            timestamp_diff(current_timestamp(), @p05_kafka_timestamp, microsecond) / 1e6 + @transaction_seconds,
            @state_keys, @state_bytes, @process_seconds, @load_seconds, @started_at, published_at, content_hash, digest,
            @contract_version, @ignored_count, @ignored_by_rule, @watermark_minutes, @hole_count, @judged_at
        from digested;
    update {name[catalog.CONTROL.name]}
        set end_offsets = @new_offsets, last_batch_id = @batch_id, watermark = @next_watermark,
            correction_count = @correction_count + @retracted, updated_at = current_timestamp(),
            digest = ({_digest_of_the_batch(settings)}), last_records = @last_records
        where pipeline = @pipeline and epoch = @epoch and end_offsets = @old_offsets
            and correction_count = @correction_count and erasure_count = @erasure_count and digest = @previous_digest;
    assert @@row_count = 1 as 'fenced off: the epoch, the offsets or what is decided have moved on';
    commit transaction;
    select control.*, current_timestamp() as answered_at
    from {name[catalog.CONTROL.name]} as control where control.pipeline = @pipeline;
    """


def _large_inserts(
    settings: JobSettings, staging: str, known: FoundInWarehouse, spans: DaySpans, *, searches: bool
) -> tuple[str, str]:
    """The batch's deliveries, and its payments."""
    retracts, erases = bool(known.corrected), bool(known.erased)
    deliveries, delivery_values = _insert_lists(catalog.DELIVERIES, delivered_as(retracts=retracts, erases=erases))
    transactions, transaction_values = _insert_lists(catalog.TRANSACTIONS)
    source = source_sql(settings, staging, retracts=retracts, erases=erases)
    kept = "true" if erases else was_not_erased_sql(settings, known)
    delivered = insert_by_days(
        f"insert into `{table_id(settings, catalog.DELIVERIES)}` ({deliveries}) select {delivery_values}"
        f"\n        from {source} where {kept}",
        ("s.kafka_timestamp", spans.kafka_timestamps),
        ("@delivered", "the staging table does not hold the batch, or ids in it were erased"),
    )
    paid = insert_by_days(
        f"insert into `{table_id(settings, catalog.TRANSACTIONS)}` ({transactions}) select {transaction_values}"
        f"\n        from `{staging}` as s where {is_new_sql(settings, known, searches=searches)}",
        ("s.event_time", spans.event_times),
        ("@unique_count", "new payments of the batch are published or erased already"),
    )
    return delivered, paid


def _digest_of_the_batch(settings: JobSettings) -> str:
    # A day's partitions of the ledger are enough to look for what was written a moment ago.
    return f"""select digest from `{table_id(settings, catalog.LEDGER)}`
                where batch_id = @batch_id and published_at > timestamp_sub(current_timestamp(), interval 1 day)"""


def _insert_lists(table: catalog.Table, otherwise: Mapping[str, str] | None = None) -> tuple[str, str]:
    given = {"topic": "@topic", "batch_id": "@batch_id", **(otherwise or {})}
    names = [column.name for column in table.columns]
    return ", ".join(names), ", ".join(given.get(name, name) for name in names)


def parameters(
    settings: JobSettings,
    batch: Batch,
    control: Control,
    load_seconds: float,
    known: FoundInWarehouse,
    transaction_seconds: float = 0.0,
    searched: Searched | None = None,
) -> dict[str, Any]:
    """Values of `publish_sql`, by name.

    In a transaction the warehouse's clock stands still at its start, so a latency up to its end has to be told how long
    it takes: `transaction_seconds` is what the last one took.
    """
    ledger, tally = ledger_of(batch, control), batch.tally
    return {
        **ledger,
        # An array of structs must have a row to have a type: a batch of holes has no money.
        "amounts": ledger["amounts"] or [_NO_AMOUNT],
        **already_published_values(settings, control, searched),
        "old_offsets": offsets_to_json(control.end_offsets),
        "new_offsets": offsets_to_json(control.end_offsets | batch.interval.end),
        "correction_count": known.correction_count,
        "erasure_count": known.erasure_count,
        "retracted": known.corrected,
        "min_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(0)),
        "p05_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(5)),
        "p50_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(50)),
        "max_kafka_timestamp": from_microseconds(tally.kafka_timestamp_percentile(100)),
        "state_keys": tally.state_keys,
        "state_bytes": tally.state_bytes,
        "process_seconds": batch.process_seconds,
        "load_seconds": load_seconds,
        "transaction_seconds": transaction_seconds,
        "started_at": batch.started_at,
        "previous_digest": control.digest,
        "claims": claims_in(ledger, control.digest),
        "last_records": last_records_after(control, tally.last_records),
    }
