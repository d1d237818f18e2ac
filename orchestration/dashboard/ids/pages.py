"""The page of ids, as HTML and as JSON.

Belongs here: its tables and cells. Does not belong here: reading (samples), the style that it shares with the page
(dashboard's rendering).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orchestration.dashboard.answer import clock
from orchestration.dashboard.ids.samples import CONFLICTS, QUARANTINED, RECORD_BYTES, Sample
from orchestration.dashboard.rendering import page_of_ids

TITLES = {
    QUARANTINED: ("Quarantined records, last 24 hours", "No record was quarantined.", "payments replay"),
    CONFLICTS: (
        "Payments with several payloads",
        "No payment was delivered with two payloads, or all are decided.",
        "payments resolve",
    ),
}
COLUMNS: Mapping[str, Mapping[str, str]] = {
    QUARANTINED: {
        "kafka_timestamp": "written, UTC",
        "place": "topic/partition/offset",
        "reasons": "reasons",
        "transaction_id": "transaction id",
        "record": f"record, first {RECORD_BYTES} bytes",
    },
    CONFLICTS: {
        "transaction_id": "transaction id",
        "sender_account_id": "sender account",
        "receiver_account_id": "receiver account",
        "published_offset": "published at",
        "payloads": "payloads",
        "exposure_eur": "at stake, EUR",
        "last_payload_at": "newest payload, UTC",
    },
}


@dataclass(frozen=True, slots=True)
class Table:
    """One of the page's tables."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    trouble: str
    empty: str
    command: str


def as_html(samples: Mapping[str, Sample], reader: str, now: datetime, *, inline: bool = False) -> str:
    """The page; `inline`: as one file."""
    return page_of_ids([table_of(name, samples[name]) for name in COLUMNS], reader, clock(now), inline=inline)


def as_json(samples: Mapping[str, Sample]) -> dict[str, Any]:
    """The same for programs."""
    return {
        name: {
            "trouble": sample.trouble,
            "rows": [{column: text_of(row.get(column)) for column in COLUMNS[name]} for row in sample.rows],
        }
        for name, sample in samples.items()
    }


def table_of(name: str, sample: Sample) -> Table:
    """The table of one statement."""
    title, empty, command = TITLES[name]
    rows = tuple(tuple(text_of(row.get(column)) for column in COLUMNS[name]) for row in sample.rows)
    return Table(name, title, tuple(COLUMNS[name].values()), rows, sample.trouble, empty, command)


def text_of(value: Any) -> str:
    """A cell. Bytes that are no text are shown as such."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return clock(value.astimezone(UTC)) if isinstance(value, datetime) else str(value)
