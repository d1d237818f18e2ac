"""What an erased delivery keeps, and the receipts that say of it what the ledger counts. SQL texts, pure Python.

Belongs here: what is set to NULL, and the receipts' text. Does not belong here: which records are erased (erasing.py,
known.py).
"""

from spark_jobs.tables.erasures import ERASURES

BLANK_DELIVERY = ("transaction_id", "event_time", "currency", "amount_minor", "payload_hash", "raw_key", "raw_value")
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
                    date(if(disposition = 'QUARANTINED', kafka_timestamp, event_time)) as day,
                    coalesce(currency, '') as currency, cast(coalesce(amount_minor, 0) as numeric) as minor,
                    cast(cast(concat('0x', substr(to_hex(value_sha256), 1, 15)) as int64) as numeric) as hash_part
                from ({rows})
            )
            group by {", ".join(_KEY)}, erased_by, reason
        );"""
