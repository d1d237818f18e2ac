"""Tables of what was erased, in pure Python: receipts, and the ids that are erased again wherever they come from.

Belongs here: their columns. Does not belong here: erasing (erasure), what a receipt is made of
(erasures).
"""

from spark_jobs.tables.columns import BATCH, Column, Table

ERASURES = Table(
    "payment_erasures",
    "Receipts: one row per erasure, micro-batch, partition, disposition, day and currency of what was erased.",
    (
        Column("erasure_id", "INT64", "Counts from 1 without a gap, in the order of the erasures."),
        Column("account_hash", "STRING", "SHA-256 of the account's id, hexadecimal: it does not name the account."),
        Column("erased_ids", "INT64", "Rows of payment_erased_ids that this erasure has."),
        BATCH,
        Column("topic", "STRING", "Kafka topic."),
        Column("kafka_partition", "INT64", "Kafka partition."),
        Column("disposition", "STRING", "What the deliveries were published as, before they were ERASED."),
        Column("day", "DATE", "UTC day of event_time; of the Kafka timestamp where they were no payments."),
        Column("currency", "STRING", "ISO 4217; empty where the records had no valid one."),
        Column("is_late_payment", "BOOL", "Whether they were late payments, each counted once, as senders count."),
        Column("is_replay", "BOOL", "Whether they were replays, which no sender counts."),
        Column("record_count", "INT64", "Deliveries."),
        Column("amount_minor", "NUMERIC", "Their sum in the currency's minor unit; 0 where no amount could be read."),
        Column("hash_total", "NUMERIC", "Sum of the first 15 hexadecimal digits of each value_sha256."),
        Column("min_offset", "INT64", "Lowest offset."),
        Column("max_offset", "INT64", "Highest offset."),
        Column("payments_removed", "INT64", "Rows that were taken out of payment_transactions."),
        Column("erased_by", "STRING", "Who erased, or the pipeline that met an erased id again."),
        Column("reason", "STRING", "Why."),
        Column("erased_at", "TIMESTAMP", "When the transaction ran."),
        Column("erasure_hash", "BYTES", "Hash of the row: an altered one shows."),
    ),
)

ERASED_IDS = Table(
    "payment_erased_ids",
    "One row per erased payment: what comes again under its id is erased again.",
    (
        Column("erasure_id", "INT64", "The erasure: payment_erasures.erasure_id."),
        Column("id_hash", "BYTES", "MD5 of the transaction_id."),
    ),
)


BLANK_DELIVERY = (
    "transaction_id",
    "event_time",
    "currency",
    "amount_minor",
    "payload_hash",
    "raw_key",
    "raw_value",
    "headers",
)
"""Of payment_deliveries. The place, the times of the log, the batch and value_sha256 stay: the ledger's digest covers
them. payload_hash goes, as it covers no random id: it could be guessed."""


ERASURE_HASH = """md5(array_to_string([
    cast(erasure_id as string), account_hash, cast(erased_ids as string), cast(batch_id as string), topic,
    cast(kafka_partition as string), disposition, cast(day as string), currency, cast(is_late_payment as string),
    cast(is_replay as string), cast(record_count as string), cast(cast(amount_minor as numeric) as string),
    cast(cast(hash_total as numeric) as string), cast(min_offset as string), cast(max_offset as string),
    cast(payments_removed as string), erased_by, reason, cast(unix_micros(erased_at) as string)], chr(31)))"""
"""In SQL, over a row of payment_erasures."""


_KEY = (
    *("erasure_id", "account_hash", "erased_ids", "batch_id", "topic", "kafka_partition", "disposition"),
    *("day", "currency", "is_late_payment", "is_replay"),
)


def insert_receipts_sql(table: str, rows: str) -> str:
    """An insert into payment_erasures.

    Args:
        table: its quoted name.
        rows: a query of one row per erased delivery: the columns of _KEY but `day`, and `kafka_offset`,
            `kafka_timestamp`, `event_time`, `amount_minor`, `value_sha256`, `removed` (payments: 0 or 1), `erased_by`,
            `reason`.
    """
    columns = ", ".join(column.name for column in ERASURES.columns)
    named = ", ".join(name for name in _KEY if name not in ("day", "currency"))
    return f"""insert into {table} ({columns})
        select {", ".join(_KEY)}, record_count, amount_minor, hash_total, min_offset, max_offset, payments_removed,
            erased_by, reason, erased_at, {ERASURE_HASH}
        from (
            select {", ".join(_KEY)}, erased_by, reason, current_timestamp() as erased_at, count(*) as record_count,
                sum(minor) as amount_minor, sum(hash_part) as hash_total, min(kafka_offset) as min_offset,
                max(kafka_offset) as max_offset, sum(removed) as payments_removed
            from (
                select {named}, erased_by, reason, kafka_offset, removed,
                    date(if(disposition in ('QUARANTINED', 'IGNORED'), kafka_timestamp, event_time)) as day,
                    coalesce(currency, '') as currency, cast(coalesce(amount_minor, 0) as numeric) as minor,
                    cast(cast(concat('0x', substr(to_hex(value_sha256), 1, 15)) as int64) as numeric) as hash_part
                from ({rows})
            )
            group by {", ".join(_KEY)}, erased_by, reason
        );"""
