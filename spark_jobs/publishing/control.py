"""The control row: what is published, and who may publish next.

Belongs here: the row's fields. Does not belong here: reading and writing it (sinks).
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spark_jobs.contract.times import to_microseconds
from spark_jobs.deduplication.state import NOTHING_SEEN
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.last_records import last_records_from_json, last_records_to_json
from spark_jobs.source.offsets import offsets_from_json
from spark_jobs.tables.ledger_digest import NOTHING_BEFORE


@dataclass(frozen=True, slots=True)
class Control:
    """The control row: what is published, and who may publish next.

    `epoch` rises by 1 with each run that takes over, and `holder` is that run. `generation` names the checkpoint in
    use. `last_batch_id` counts published batches from 1 without a hole; 0 is before the first. `end_offsets` are by
    partition, past the last published record. `watermark` (UTC) is what the next batch judges lateness by; None before
    the first valid payment. `updated_at` (UTC) is when the row last changed. `correction_count` and `erasure_count`
    stay 0 in a store that has neither. `digest` is the newest batch's digest. `last_records` says what the last
    published record of each partition was (source.last_records); empty in a row of before.
    """

    pipeline: str
    topic: str
    topic_id: str
    epoch: int
    holder: str
    generation: str
    last_batch_id: int
    end_offsets: dict[int, int]
    watermark: datetime | None
    updated_at: datetime
    correction_count: int = 0
    erasure_count: int = 0
    digest: str = NOTHING_BEFORE
    last_records: str = ""


def control_of(row: dict[str, Any]) -> Control:
    """The control row from its columns."""
    return Control(
        pipeline=row["pipeline"],
        topic=row["topic"],
        topic_id=row["topic_id"],
        epoch=row["epoch"],
        holder=row["holder"],
        generation=row["generation"],
        last_batch_id=row["last_batch_id"],
        end_offsets=offsets_from_json(row["end_offsets"]),
        watermark=row["watermark"],
        updated_at=row["updated_at"],
        correction_count=row["correction_count"],
        erasure_count=row["erasure_count"],
        digest=row["digest"],
        last_records=row.get("last_records") or "",
    )


def last_records_after(control: Control, batch: Mapping[int, tuple[int, str]]) -> str:
    """`Control.last_records` once a batch with these is published: of the other partitions it stays."""
    return last_records_to_json({**last_records_from_json(control.last_records), **batch})


def watermark_in(control: Control) -> int:
    """The watermark in microseconds; NOTHING_SEEN before the first."""
    watermark = to_microseconds(control.watermark)
    return NOTHING_SEEN if watermark is None else watermark


def insist_on_epoch(now: Control | None, epoch: int) -> Control:
    """The control row, where its epoch is still that one.

    Raises:
        Incident: FENCED, where it is another's by now, or the row is gone.
    """
    if now is None or now.epoch != epoch:
        raise Incident(IncidentKind.FENCED, "another run took over the pipeline; this one leaves it alone.")
    return now


def new_name() -> str:
    """A name that no other generation has."""
    return f"g{uuid.uuid4().hex[:12]}"
