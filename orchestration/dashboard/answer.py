"""The sentence at the top: is every payment counted once, up to which offset and minute.

Belongs here: the judgement of what the reconciliations said, in words. Does not belong here: reading (gathering), what
stands below it (view). It says yes only of what a build has compared: offsets, dispositions and payments of every
batch, days without a payment twice, and what senders reported. What is newer is counted beside it, never under it.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchestration.dashboard import statements
from orchestration.dashboard.model import WAREHOUSE, Row, Snapshot, moment_of

PARTITIONS_NAMED = 4
BATCHES = "reconciliation_batches"


class Verdict(StrEnum):
    """What the sentence says."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence, and what belongs beside it. `is_current` is False where the warehouse did not answer now."""

    verdict: Verdict
    sentence: str
    details: tuple[str, ...] = ()
    is_current: bool = True


def answer(snapshot: Snapshot) -> Answer:
    """The answer by the last rows that were read; where those are old, it says of when they are."""
    if not snapshot.parts:
        return Answer(Verdict.UNKNOWN, "Not known yet: warehouse and broker are being asked.", is_current=False)
    section = snapshot.section(statements.RECONCILIATION)
    is_current = snapshot.part(WAREHOUSE).answers and not section.trouble
    judgement = _judge(snapshot)
    if is_current:
        return judgement
    if section.read_at is None:
        return Answer(Verdict.UNKNOWN, "Not known: the warehouse does not answer, and nothing of before is kept.")
    before = judgement.sentence[0].lower() + judgement.sentence[1:]
    read_at = clock(moment_of(section.read_at))
    sentence = f"Not known now: the warehouse does not answer. At {read_at} UTC it was: {before}"
    return Answer(Verdict.UNKNOWN, sentence, judgement.details, is_current=False)


def _judge(snapshot: Snapshot) -> Answer:
    control, compared = snapshot.rows(statements.CONTROL), snapshot.rows(statements.COMPARED)
    rows = snapshot.rows(statements.RECONCILIATION)
    if not control or not control[0]["last_batch_id"]:
        return Answer(Verdict.UNKNOWN, "No payment has been published yet.")
    newest = control[0]["last_batch_id"]
    judged = [row for row in rows if row["reconciliation"] == BATCHES]
    if not judged or not compared:
        sentence = f"Not known yet: {newest:,} batches are published, and no build has compared them."
        return Answer(Verdict.UNKNOWN, sentence, ("Run `payments build`.",))
    failed = sum(row["failed_count"] for row in rows)
    if failed:
        return Answer(Verdict.NO, _no(rows, failed), _beside(rows, compared[0]))
    where = _where(compared[0], control[0])
    return Answer(Verdict.YES, f"Yes: every payment is counted once, {where}.", _beside(rows, compared[0]))


def _no(rows: tuple[Row, ...], failed: int) -> str:
    names = sorted({row["reconciliation"] for row in rows if row["failed_count"]})
    days = sorted({row["day"] for row in rows if row["failed_count"] and row["day"]})
    of = f" of {days[0]}" if len(days) == 1 else f" of {days[0]} to {days[-1]}" if days else ""
    total = sum(row["row_count"] for row in rows)
    return (
        f"No: {failed:,} of {total:,} comparisons{of} fail, in {' and '.join(names)}. "
        "Run `payments verify`, which names every break."
    )


def _where(compared: Row, control: Row) -> str:
    """Up to which offsets, batch and minute."""
    batch_id = compared["batch_id"]
    text = control["end_offsets"] if batch_id == control["last_batch_id"] else compared["end_offsets"]
    ends = {int(partition): int(offset) for partition, offset in json.loads(text).items()} if text else {}
    if not ends:
        offsets = f"batch {batch_id:,}"
    elif len(ends) <= PARTITIONS_NAMED:
        offsets = "offset " + ", ".join(f"{offset:,} of partition {p}" for p, offset in sorted(ends.items()))
    else:
        offsets = f"offset {sum(ends.values()):,} over {len(ends)} partitions"
    minute = compared["newest_record_at"]
    return f"up to {offsets}" + (f" and the minute {moment_of(minute):%Y-%m-%d %H:%M} UTC" if minute else "")


def _beside(rows: tuple[Row, ...], compared: Row) -> tuple[str, ...]:
    """What the sentence does not speak of."""
    judged_at = max(row["judged_at"] for row in rows)
    due = sum(row["row_count"] - row["pending_count"] for row in rows)
    lines = [f"{due:,} comparisons, made at {clock(moment_of(judged_at))} UTC up to batch {compared['batch_id']:,}."]
    if pending := sum(row["pending_count"] for row in rows):
        lines.append(f"{pending:,} more are not due yet: a sender has not reported, or the broker was not asked.")
    if compared["newer_batches"]:
        batches, records = compared["newer_batches"], compared["newer_records"] or 0
        lines.append(f"{records:,} records of {batches:,} newer batches are published, and not compared yet.")
    return tuple(lines)


def clock(moment: datetime) -> str:
    """Day and minute."""
    return f"{moment:%Y-%m-%d %H:%M}"
