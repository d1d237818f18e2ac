"""Tables of what was erased, in pure Python: receipts, and the ids that are erased again wherever they come from.

Belongs here: their columns. Does not belong here: erasing (erasing.py), what a receipt is made of
(erasure_receipts.py).
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
        Column("day", "DATE", "UTC day of event_time; of the Kafka timestamp where the records were QUARANTINED."),
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
