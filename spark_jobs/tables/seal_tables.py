"""The tables of sealed days and of their reports, in pure Python.

Belongs here: their columns. Does not belong here: what a seal is made of (sealing).
"""

from spark_jobs.tables.columns import Column, Table

DAY_SEALS = Table(
    "day_seals",
    "One row per sealed day: what its payments came to when it was over. Rows are added, never changed.",
    (
        Column("seal_id", "INT64", "Counts from 1 without a gap, in the order of the seals."),
        Column("day", "DATE", "UTC day of event_time."),
        Column("payment_count", "INT64", "Payments of the day: rows of payment_transactions."),
        Column("amounts", "STRING", "JSON object, currency to the sum in its minor unit, before the sign of the kind."),
        Column("hash_total", "NUMERIC", "Sum of the first 15 hexadecimal digits of each payment's value_sha256."),
        Column("tree_depth", "INT64", "Levels of the hash tree below its root."),
        Column("tree_root", "STRING", "Root of the hash tree over the day's payments, SHA-256 in hexadecimal."),
        Column("last_batch_id", "INT64", "The newest published batch when the day was sealed."),
        Column("ledger_digest", "STRING", "That batch's digest: the ledger that the seal stands on."),
        Column("correction_count", "INT64", "The newest correction_id then: later ones are beside the seal."),
        Column("erasure_count", "INT64", "The newest erasure_id then: later ones are beside the seal."),
        Column("sealed_by", "STRING", "Who, or which part of the platform, sealed the day."),
        Column("code_version", "STRING", "The product's version that made the seal."),
        Column("sealed_at", "TIMESTAMP", "When the day was sealed."),
        Column("previous_digest", "STRING", "Digest of the seal before; empty in the first."),
        Column("digest", "STRING", "SHA-256 over all columns before it, hexadecimal: an altered seal shows."),
    ),
)

DAY_REPORTS = Table(
    "day_reports",
    "One row per report of a day, and one per signature under it. Rows are added, never changed.",
    (
        Column("day", "DATE", "UTC day that it is about."),
        Column("made_at", "TIMESTAMP", "When the report was made."),
        Column("made_by", "STRING", "Who, or which part of the platform, made it."),
        Column("report", "STRING", "The report, as JSON."),
        Column("report_sha256", "STRING", "SHA-256 of the report, hexadecimal: an altered one shows."),
        Column("signed_by", "STRING", "Who signed it off; NULL where the row is no signature.", "NULLABLE"),
        Column("note", "STRING", "What the signer wrote beside it.", "NULLABLE"),
    ),
    partition_by="made_at",
)
