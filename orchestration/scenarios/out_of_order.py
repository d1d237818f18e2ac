"""Out of order: events that come late, by how much, and what the watermark makes of them.

Belongs here: the events and what each must become. Does not belong here: how lateness is judged
(spark_jobs.deduplication).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from orchestration.scenarios.harness.sandbox import Sandbox, event_at
from orchestration.scenarios.harness.transcript import Transcript
from spark_jobs.contract.payment_event import WATERMARK_DELAY, Disposition
from spark_jobs.tables.row_types import Row

_UNIQUE, _DUPLICATE, _LATE = Disposition.UNIQUE, Disposition.DUPLICATE, Disposition.LATE


@dataclass(frozen=True, slots=True)
class Sent:
    """A payment, how many minutes before the first one it was made, and what it must become."""

    name: str
    minutes_before: float
    becomes: Disposition
    why: str


BATCHES = (
    (Sent("first", 0, _UNIQUE, "no watermark yet: it sets that of the next batch"),),
    (
        Sent("ahead", -2, _UNIQUE, "newer than all: it moves the next batch's watermark, not its own"),
        Sent("after-59-min", 59, _UNIQUE, "out of order, within the watermark carried in"),
        Sent("after-40-min", 40, _UNIQUE, "out of order, within the watermark carried in"),
        Sent("after-61-min", 61, _LATE, "older than the watermark carried in, and unknown"),
        Sent("after-5-h", 300, _LATE, "older than the watermark carried in, and unknown"),
    ),
    (
        Sent("also-59-min", 59, _LATE, "as old as one that was in time: the watermark has moved by 2 minutes"),
        Sent("after-57-min", 57, _UNIQUE, "within the watermark that was moved"),
        Sent("after-40-min", 40, _DUPLICATE, "out of order, and known"),
    ),
)


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Events out of order, within the watermark and beyond it: none is dropped, the ledger says why one is late."""
    began = datetime.now(UTC).replace(microsecond=0)
    transcript.say(
        f"The watermark trails the newest event by {WATERMARK_DELAY}; a batch is judged by what it carries in."
    )
    places = []
    for number, batch in enumerate(BATCHES, start=1):
        moments = [began - timedelta(minutes=sent.minutes_before) for sent in batch]
        values = [event_at(sent.name, moment) for sent, moment in zip(batch, moments, strict=True)]
        places += sandbox.send(reversed(values))[::-1]
        sandbox.drain()
        transcript.step(f"Batch {number}, the newest event sent last")
        _show(sandbox, transcript, number, batch)
    _prove(sandbox, transcript, dict(zip(places, (sent for batch in BATCHES for sent in batch), strict=True)))


def _show(sandbox: Sandbox, transcript: Transcript, batch_id: int, batch: tuple[Sent, ...]) -> None:
    found = {row["transaction_id"]: row for row in _judged(sandbox) if row["batch_id"] == batch_id}
    rows = [(sent.name, *_against(found[sent.name]), found[sent.name]["disposition"], sent.why) for sent in batch]
    watermark = next(iter(found.values()))["watermark"]
    transcript.say(f"Watermark carried in: {f'{watermark:%H:%M:%S}' if watermark else 'none'}")
    transcript.table("", ("payment", "made at", "to the watermark", "became", "why"), rows)


def _against(row: Row) -> tuple[str, str]:
    if row["watermark"] is None:
        return f"{row['event_time']:%H:%M:%S}", ""
    minutes = (row["event_time"] - row["watermark"]) / timedelta(minutes=1)
    return f"{row['event_time']:%H:%M:%S}", f"{minutes:+.0f} min"


def _judged(sandbox: Sandbox) -> list[Row]:
    """Every delivery beside the watermark that its batch was judged by."""
    return sandbox.ask(
        "select d.*, l.watermark from {payment_deliveries} as d inner join {batch_ledger} as l using (batch_id)"
    )


def _prove(sandbox: Sandbox, transcript: Transcript, sent: dict[tuple[int, int], Sent]) -> None:
    rows = _judged(sandbox)
    transcript.claim(
        "every event is delivered once", sorted(sent), sorted((r["kafka_partition"], r["kafka_offset"]) for r in rows)
    )
    for place, one in sent.items():
        found = [r["disposition"] for r in rows if (r["kafka_partition"], r["kafka_offset"]) == place]
        transcript.claim(f"{one.name}: {one.why}", [str(one.becomes)], found)
    older = {r["transaction_id"] for r in rows if r["watermark"] and r["event_time"] < r["watermark"]}
    late = {r["transaction_id"] for r in rows if r["disposition"] == _LATE}
    transcript.claim("LATE is what is older than its batch's watermark in the ledger", sorted(older), sorted(late))
    ledger = sandbox.ask("select * from {batch_ledger} order by batch_id")
    for before, batch in pairwise(ledger):
        seen = max(r["event_time"] for r in rows if r["batch_id"] <= before["batch_id"] and r["disposition"] != _LATE)
        what = f"batch {batch['batch_id']} carries in the newest event before it, less {WATERMARK_DELAY}"
        transcript.claim(what, seen - WATERMARK_DELAY, batch["watermark"])
