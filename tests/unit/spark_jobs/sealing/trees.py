"""A day's payments and their hash tree, made in Python by what the docs say of it.

Belongs here: what several tests of seals start from. Does not belong here: the product's own code for it, which is SQL.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from spark_jobs.sealing.seals import Seal

SEAL = Seal(
    seal_id=1,
    day=date(2026, 11, 20),
    payment_count=0,
    amounts="{}",
    hash_total=Decimal(0),
    tree_depth=0,
    tree_root="",
    last_batch_id=7,
    ledger_digest="d" * 64,
    correction_count=0,
    erasure_count=0,
    sealed_by="ann",
    code_version="1.2.3",
    sealed_at=datetime(2026, 11, 22, 3, tzinfo=UTC),
    previous_digest="",
)


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def payment(number: int, times: int = 1) -> dict[str, Any]:
    return {
        "transaction_id": f"payment-{number}",
        "event_micros": 1_763_596_800_000_000 + number,
        "currency": "EUR",
        "amount_minor": 1000 + number,
        "value_sha256": hashed(f"value {number}"),
        "topic": "payment-events",
        "kafka_partition": number % 3,
        "kafka_offset": number,
        "payment_kind": "payment",
        "times": times,
    }


def leaf(row: dict[str, Any]) -> tuple[str, str]:
    return hashed(row["transaction_id"]), hashed("\x1f".join(str(value) for value in row.values()))


def levels(rows: list[dict[str, Any]], depth: int) -> list[dict[str, str]]:
    """By level, from the root down to the buckets: the hash of each prefix that has payments."""
    entries = sorted(leaf(row) for row in rows)
    prefixes = sorted({name[:depth] for name, _ in entries})
    found = [{p: hashed("".join(n + e for n, e in entries if n[:depth] == p)) for p in prefixes}]
    for level in reversed(range(depth)):
        below = found[0]
        above = sorted({prefix[:level] for prefix in below})
        found.insert(
            0, {p: hashed("".join(b[level] + below[b] for b in sorted(below) if b[:level] == p)) for p in above}
        )
    return found


def sealed(rows: list[dict[str, Any]], depth: int) -> Seal:
    root = levels(rows, depth)[0].get("", hashed(""))
    return replace(SEAL, payment_count=len(rows), tree_depth=depth, tree_root=root).sealed()


def way(rows: list[dict[str, Any]], depth: int, transaction_id: str) -> list[dict[str, Any]]:
    """What the warehouse answers: the bucket of an id, and the branches on its way to the root."""
    own = hashed(transaction_id)
    branches = [
        {"level": level, "name": prefix[-1], "digest": found}
        for level, hashes in enumerate(levels(rows, depth))
        for prefix, found in hashes.items()
        if level and prefix[: level - 1] == own[: level - 1]
    ]
    entries = [{"level": depth + 1, "name": n, "digest": e} for n, e in map(leaf, rows) if n[:depth] == own[:depth]]
    return branches + entries
