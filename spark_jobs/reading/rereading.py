"""Kept records, read again by a contract: raw keys, values and headers in, payments out.

Belongs here: handing rows of payment_deliveries to the job's own reader. Does not belong here: which contract it is
(contracts), what follows from it (corrections, orchestration.verification).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from spark_jobs.reading.contracts import Contract
from spark_jobs.tables.row_types import ReadRow


def reread(
    rows: Sequence[ReadRow],
    contract: Contract,
    written_at: datetime | None = None,
    clocks: Sequence[datetime | None] | None = None,
) -> list[dict[str, Any]]:
    """The columns of staging.RECORD_SCHEMA, row by row.

    Args:
        rows: rows of payment_deliveries with `raw_key` and `raw_value`.
        contract: the lists and the mapping that they are judged by.
        written_at: judge them as if written to the log then; default: when they were.
        clocks: of their batches, as many as rows; None where that is not known.
    """
    import pyarrow as pa

    from spark_jobs.reading.headers import column_of, from_text
    from spark_jobs.reading.records import CLOCK, read_records

    if not rows:
        return []
    timestamps = [written_at or row["kafka_timestamp"] for row in rows]
    batch = pa.RecordBatch.from_pydict(
        {
            "partition": pa.array([row["kafka_partition"] for row in rows], pa.int32()),
            "offset": pa.array([row["kafka_offset"] for row in rows], pa.int64()),
            "timestamp": pa.array(timestamps, pa.timestamp("us", "UTC")),
            "key": pa.array([row["raw_key"] for row in rows], pa.binary()),
            "value": pa.array([row["raw_value"] for row in rows], pa.binary()),
            "headers": column_of([from_text(row.get("headers")) for row in rows]),
            CLOCK: pa.array(clocks or [None] * len(rows), pa.timestamp("us", "UTC")),
        }
    )
    again: list[dict[str, Any]] = read_records(batch, contract.lists, contract.mapping).to_pylist()
    return again


def reread_each(rows: Sequence[ReadRow], contracts: Sequence[Contract]) -> list[dict[str, Any]]:
    """The same, each row by a contract of its own, in order."""
    places: dict[str, list[int]] = {}
    for index, contract in enumerate(contracts):
        places.setdefault(contract.version, []).append(index)
    again: dict[int, dict[str, Any]] = {}
    for indexes in places.values():
        again |= zip(indexes, reread([rows[index] for index in indexes], contracts[indexes[0]]), strict=True)
    return [again[index] for index in range(len(rows))]
