"""The examples of the page that walks through the deduplication: the job's own functions, run on a few records.

Belongs here: the records, and what of each step is shown. Does not belong here: the steps themselves (spark_jobs). Run
as a module, it writes the examples into the page; a test holds the page against them.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from handbook.links import ROOT
from orchestration.presentation.markdown import markdown_table
from spark_jobs.contract.payment_event import WATERMARK_MICROSECONDS, Disposition
from spark_jobs.deduplication.dispositions import DISPOSITIONS, Candidates, tag, watermark_of
from spark_jobs.deduplication.id_keys import KEY, KEY_BYTES, keys_of
from spark_jobs.deduplication.segment_files import LocalSegments
from spark_jobs.deduplication.state import DedupState
from spark_jobs.reading.records import KAFKA_COLUMNS, read_records

PAGE = ROOT / "docs" / "deduplication-walkthrough.md"
_DAY = "2026-11-21"
_SIZES = (100, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class Delivery:
    """A record of the example: its batch, what it is, and what it says."""

    batch: int
    story: str
    payment: str
    time: str
    amount: str

    def value(self) -> bytes:
        """The bytes in Kafka."""
        event = {
            "transaction_id": self.payment,
            "event_time": f"{_DAY}T{self.time}Z",
            "sender_account_id": "acc-1",
            "receiver_account_id": "acc-2",
            "amount": self.amount,
            "currency": "EUR",
        }
        return json.dumps(event).encode()


DELIVERIES = (
    Delivery(1, "a payment", "pay-1", "10:00:00", "12.30"),
    Delivery(1, "the producer sends it again: no acknowledgement came", "pay-1", "10:00:00", "12.30"),
    Delivery(1, "another payment", "pay-2", "10:00:05", "5.00"),
    Delivery(1, "an amount that is none", "pay-3", "10:00:06", "five"),
    Delivery(2, "the sender makes it anew, with a new time", "pay-2", "10:01:00", "5.00"),
    Delivery(2, "out of order, within the watermark", "pay-4", "09:30:00", "7.00"),
    Delivery(2, "older than the watermark", "pay-5", "08:55:00", "3.00"),
    Delivery(2, "the same id with another amount", "pay-1", "10:00:00", "99.99"),
    Delivery(2, "newer than all: it moves the watermark of the next batch", "pay-6", "11:40:00", "1.00"),
    Delivery(3, "again, after the state has forgotten it", "pay-2", "10:00:05", "5.00"),
    Delivery(3, "again, as newly made, after the state has forgotten it", "pay-4", "11:39:00", "7.00"),
)


@dataclass(frozen=True)
class Tagged:
    """A record after its batch."""

    offset: int
    delivery: Delivery
    record: dict[str, object]
    watermark: int | None
    disposition: Disposition


def run(folder: Path) -> tuple[list[Tagged], list[DedupState]]:
    """Every delivery with its disposition, and the state after each batch; segment files go to `folder`."""
    state, states, tagged, store = DedupState(), [], [], LocalSegments(folder)
    for number in sorted({delivery.batch for delivery in DELIVERIES}):
        rows = [(offset, each) for offset, each in enumerate(DELIVERIES) if each.batch == number]
        records = read_records(_kafka_batch(rows))
        candidates = _candidates(records)
        newest = int(candidates.event_time[candidates.is_valid].max())
        watermark = watermark_of(state.max_event_time, WATERMARK_MICROSECONDS)
        indexes, state = tag(candidates, state, newest, WATERMARK_MICROSECONDS, store)
        states.append(state)
        tagged += [
            Tagged(offset, delivery, record, watermark, DISPOSITIONS[index])
            for (offset, delivery), record, index in zip(rows, records.to_pylist(), indexes.tolist(), strict=True)
        ]
    return tagged, states


def _kafka_batch(rows: Sequence[tuple[int, Delivery]]) -> pa.RecordBatch:
    sent = datetime.fromisoformat(f"{_DAY}T12:00:00Z")
    columns = [
        pa.array([0] * len(rows), pa.int32()),
        pa.array([offset for offset, _ in rows], pa.int64()),
        pa.array([sent] * len(rows), pa.timestamp("us", "UTC")),
        pa.array([delivery.payment.encode() for _, delivery in rows], pa.binary()),
        pa.array([delivery.value() for _, delivery in rows], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(KAFKA_COLUMNS[:5]))


def _candidates(records: pa.Table) -> Candidates:
    def column(name: str, fill: object = 0) -> pa.Array:
        return records[name].combine_chunks().fill_null(fill)

    return Candidates(
        keys=keys_of(b"".join(records["id_hash"].fill_null(bytes(16)).to_pylist())),
        is_valid=np.array([not reasons for reasons in records["reasons"].to_pylist()]),
        is_ignored=np.array(records["is_ignored"].to_pylist(), dtype=bool),
        event_time=column("event_time", datetime(1970, 1, 1, tzinfo=UTC)).cast(pa.int64()).to_numpy(),
        partition=column("kafka_partition").to_numpy(),
        offset=column("kafka_offset").to_numpy(),
    )


def examples() -> dict[str, str]:
    """Markdown of each example by its name in the page."""
    with TemporaryDirectory() as folder:
        tagged, states = run(Path(folder))
    return {
        "arrives": _arrives(),
        "read": _read(tagged),
        "tagged": _tagged(tagged),
        "state": _state(states),
        "with-and-without": _with_and_without(tagged),
        "space": _space(),
    }


def _arrives() -> str:
    shown = "\n".join(f"offset {offset}: {each.value().decode()}" for offset, each in enumerate(DELIVERIES[:4]))
    return f"```text\n{shown}\n```"


def _read(tagged: Sequence[Tagged]) -> str:
    def row(each: Tagged) -> tuple[object, ...]:
        record = each.record
        hashed = record["id_hash"]
        key = hashed[:KEY_BYTES].hex() if isinstance(hashed, bytes) else ""
        reasons = record["reasons"]
        return (
            each.offset,
            record["transaction_id"] or "",
            _clock(record["event_time"]),
            "" if record["amount_minor"] is None else record["amount_minor"],
            f"`{key}`" if key else "",
            ", ".join(reasons) if isinstance(reasons, list) else "",
        )

    first = [each for each in tagged if each.delivery.batch == 1]
    return markdown_table(("offset", "payment", "event time", "minor units", "key", "reasons"), map(row, first))


def _tagged(tagged: Sequence[Tagged]) -> str:
    return markdown_table(
        ("batch", "offset", "payment", "event time", "watermark carried in", "what happened", "disposition"),
        (
            (
                each.delivery.batch,
                each.offset,
                each.delivery.payment,
                each.delivery.time,
                "none" if each.watermark is None else _clock(each.watermark),
                each.delivery.story,
                each.disposition,
            )
            for each in tagged
        ),
    )


def _state(states: Sequence[DedupState]) -> str:
    def row(number: int, state: DedupState) -> tuple[object, ...]:
        slots = ", ".join(f"{_clock(slot.number * 900_000_000)[:5]}: {slot.count}" for slot in state.slots)
        return number, _clock(state.max_event_time), slots, state.key_count, state.size_bytes

    rows = (row(number, state) for number, state in enumerate(states, 1))
    return markdown_table(("after batch", "newest event", "slots, and the ids in each", "ids", "bytes"), rows)


def _with_and_without(tagged: Sequence[Tagged]) -> str:
    def line(label: str, rows: Sequence[Tagged]) -> tuple[object, ...]:
        minor = sum(int(str(each.record["amount_minor"])) for each in rows)
        return label, len(rows), f"{minor / 100:.2f}"

    valid = [each for each in tagged if each.disposition is not Disposition.QUARANTINED]
    return markdown_table(
        ("what is counted", "rows", "EUR"),
        (
            line("without deduplication: every valid delivery", valid),
            line("with it: UNIQUE", [each for each in tagged if each.disposition is Disposition.UNIQUE]),
            line("of these, found by the warehouse to be published already", _found_later(tagged)),
            line("held for a decision: LATE", [each for each in tagged if each.disposition is Disposition.LATE]),
        ),
    )


def _found_later(tagged: Sequence[Tagged]) -> list[Tagged]:
    """Those that are UNIQUE to the stream for the second time: publishing looks them up, and retracts them."""
    seen: set[str] = set()
    found = []
    for each in tagged:
        if each.disposition is Disposition.UNIQUE:
            if each.delivery.payment in seen:
                found.append(each)
            seen.add(each.delivery.payment)
    return found


def _space() -> str:
    return markdown_table(("ids in one slot", "bytes", "bytes an id"), _sizes())


def _sizes() -> Iterator[tuple[str, str, str]]:
    for count in _SIZES:
        with TemporaryDirectory() as folder:
            # As evenly spread as a hash is, and the same in each run.
            highs = np.arange(count, dtype=np.uint64) * np.uint64(2**64 // count)
            keys = np.zeros(count, KEY)
            keys["high"] = highs
            state = DedupState().advance(
                keys, np.zeros(count, np.int64), 0, WATERMARK_MICROSECONDS, LocalSegments(Path(folder))
            )
        yield f"{count:,}", f"{state.size_bytes:,}", f"{state.size_bytes / count:.2f}"


def _clock(time: object) -> str:
    if isinstance(time, int):
        time = datetime.fromtimestamp(time // 1_000_000, UTC)
    return time.strftime("%H:%M:%S") if isinstance(time, datetime) else ""


def main() -> None:
    """Write the examples into the page."""
    from handbook.examples import write

    write(PAGE, examples())


if __name__ == "__main__":
    main()
