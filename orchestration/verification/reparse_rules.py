"""Whether a kept record still says what the warehouse says of it: its raw value is read again, by the contract.

Belongs here: asking the streaming job's own reader, and comparing. Does not belong here: rules among tables
(ledger_rules), the sender's word (manifest_rules).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestration.verification.ledger_rules import Break

COMPARED = ("transaction_id", "event_time", "currency", "amount_minor", "payload_hash", "value_sha256", "reasons")


def rejudge(rows: Sequence[Mapping[str, Any]]) -> list[Break]:
    """Every column of a kept delivery that its raw value does not bear out.

    Args:
        rows: rows of payment_deliveries with `raw_key` and `raw_value`.
    """
    from spark_jobs.parsing.rereading import reread

    judged = reread(rows)
    return [found for row, again in zip(rows, judged, strict=True) for found in _compare(row, again)]


def _compare(row: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[Break]:
    where = f"{row['topic']} {row['kafka_partition']}:{row['kafka_offset']}"
    for name in COMPARED:
        stored = row[name]
        if stored != again[name]:
            yield Break(f"{name} is what the kept value says", where, again[name], stored)
