"""Kept records, read again, by the contract of now or by older lists of codes: raw keys and values in, payments out.

Belongs here: handing rows of payment_deliveries to the job's own reader. Does not belong here: what follows from it
(corrections, corrections, orchestration.verification).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from spark_jobs.contract.code_lists import CodeLists
from spark_jobs.tables.row_types import ReadRow


def reread(
    rows: Sequence[ReadRow],
    written_at: datetime | None = None,
    lists: CodeLists | None = None,
    clocks: Sequence[datetime | None] | None = None,
) -> list[dict[str, Any]]:
    """The columns of staging.RECORD_SCHEMA, row by row.

    Args:
        rows: rows of payment_deliveries with `raw_key` and `raw_value`.
        written_at: judge them as if written to the log then; default: when they were.
        lists: the codes that they are held against; default: those of now.
        clocks: of their batches, as many as rows; None where that is not known.
    """
    import pyarrow as pa

    from spark_jobs.parsing.records import CLOCK, read_records

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
            CLOCK: pa.array(clocks or [None] * len(rows), pa.timestamp("us", "UTC")),
        }
    )
    again: list[dict[str, Any]] = read_records(batch, lists).to_pylist()
    return again
