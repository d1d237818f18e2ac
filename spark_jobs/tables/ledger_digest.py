"""The ledger's digests: what is hashed of a batch, in which form, and what follows on what. Pure Python.

Belongs here: the canonical texts, and the two ways to a content hash: the warehouse's and an auditor's. Does not belong
here: publishing (sinks.bigquery), judging a ledger (orchestration.verification).

content_hash = SHA-256 of the blocks' hashes; a block is 4,096 offsets of one partition, so that no text grows with the
batch. digest = SHA-256 of three lines: what the ledger says of the batch and the digest before it (`claims`), the
content_hash, and published_at in microseconds. All hashes are lower-case hexadecimal.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from spark_jobs.contract.times import to_microseconds
from spark_jobs.tables.row_types import ReadRow

FORMAT = "payments-ledger-1"
BLOCK_OFFSETS = 4096
NOTHING_BEFORE = ""
"""The digest that the first batch follows on."""

_PARTITION = ("kafka_partition", "start_offset", "end_offset", "delivered")
_COUNTS = ("unique_count", "duplicate_count", "late_count", "quarantined_count")
_LATER = ("contract_version", "ignored_count", "ignored_by_rule", "watermark_minutes")
"""A batch of before a column was says nothing of it, and keeps its digest."""
_AMOUNT = ("disposition", "currency", "record_count", "amount_minor")


def content_hash_sql(staging: str) -> str:
    """A query of one value, the content_hash of the staging table's records. Dispositions are no part of it."""
    return f"""
        select to_hex(sha256(coalesce(string_agg(
            concat(cast(kafka_partition as string), ':', cast(block as string), ':', block_hash), ','
            order by kafka_partition, block), ''))) as content_hash
        from (
            select kafka_partition, div(kafka_offset, {BLOCK_OFFSETS}) as block,
                to_hex(sha256(string_agg(
                    concat(cast(kafka_offset as string), ':', to_hex(value_sha256)), ',' order by kafka_offset
                ))) as block_hash
            from `{staging}`
            group by kafka_partition, block
        )"""


DIGEST_SQL = """to_hex(sha256(array_to_string(
            [@claims, content_hash, cast(unix_micros(published_at) as string)], chr(10))))"""
"""In SQL, what `digest` is."""


def content_hash(records: Iterable[tuple[int, int, bytes]]) -> str:
    """The content_hash of a batch's records, each (partition, offset, value_sha256), in that order."""
    whole = hashlib.sha256()
    blocks = groupby(records, key=lambda record: (record[0], record[1] // BLOCK_OFFSETS))
    for number, ((partition, block), members) in enumerate(blocks):
        block_hash = hashlib.sha256()
        for place, (_, offset, value_sha256) in enumerate(members):
            block_hash.update(f"{',' if place else ''}{offset}:{value_sha256.hex()}".encode())
        whole.update(f"{',' if number else ''}{partition}:{block}:{block_hash.hexdigest()}".encode())
    return whole.hexdigest()


def claims(batch: ReadRow, partitions: Sequence[ReadRow], amounts: Sequence[ReadRow], previous: str) -> str:
    """What the ledger says of a batch, and what it follows on, as one line of JSON with its keys in order.

    Args:
        batch: a row of batch_ledger, or the values of one.
        partitions: the batch's rows of batch_ledger_partitions, in any order.
        amounts: its rows of batch_ledger_amounts, in any order.
        previous: the digest of the batch before.
    """
    stated = {
        "format": FORMAT,
        "previous": previous,
        **{name: batch[name] for name in ("pipeline", "topic", "batch_id", "epoch", "start_offsets", "end_offsets")},
        **{name: batch[name] for name in ("delivered", *_COUNTS)},
        **{name: batch[name] for name in _LATER if batch.get(name) is not None},
        # A batch of before holes were counted, or without any, says nothing of them.
        **({"holes": holes} if (holes := _holes(partitions)) else {}),
        **({"judged_at": to_microseconds(moment)} if (moment := batch.get("judged_at")) else {}),
        "watermark": to_microseconds(batch["watermark"]),
        "next_watermark": to_microseconds(batch["next_watermark"]),
        "partitions": sorted(_of_partition(row) for row in partitions),
        "amounts": sorted([_plain(row[name]) for name in _AMOUNT] for row in amounts),
    }
    return json.dumps(stated, sort_keys=True, separators=(",", ":"))


def digest(reported: str, content: str, published_at: datetime) -> str:
    """The digest of a batch with these `claims` and this content_hash."""
    return hashlib.sha256(f"{reported}\n{content}\n{to_microseconds(published_at)}".encode()).hexdigest()


def _of_partition(row: ReadRow) -> list[int]:
    ignored = row.get("ignored_count")
    return [row[name] for name in (*_PARTITION, *_COUNTS)] + ([] if ignored is None else [ignored])


def _holes(partitions: Sequence[ReadRow]) -> list[list[int]]:
    return sorted([row["kafka_partition"], row["hole_count"]] for row in partitions if row.get("hole_count"))


def _plain(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)
