"""The corpus, read from cases.toml and field.toml: exact bytes, and what has to become of them.

Belongs here: reading the files. Does not belong here: judging the cases; whoever needs bad input imports `read_cases`.
"""

import base64
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("cases.toml")
KAFKA_TIMESTAMP = datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)
"""When the broker wrote a record, unless its case says otherwise."""

FIELD_FILE = Path(__file__).with_name("field.toml")
FIELD_TIMESTAMP = datetime(2026, 11, 28, 3, 57, 1, tzinfo=UTC)

DEFAULT_KEY = b"a-1"

EVENT: dict[str, str] = {
    "transaction_id": '"t-1"',
    "event_time": '"2026-11-21T12:00:00Z"',
    "sender_account_id": '"a-1"',
    "receiver_account_id": '"a-2"',
    "amount": '"12.30"',
    "currency": '"EUR"',
}
"""The valid event that cases break: each field with its JSON text."""

type Headers = tuple[tuple[str, bytes | None], ...] | None

_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Case:
    """One record. `kafka_us`: its Kafka timestamp, microseconds since 1970. `is_resent`: EVENT went before it."""

    kind: int
    name: str
    value: bytes | None
    key: bytes | None
    kafka_us: int
    is_resent: bool
    disposition: str
    reasons: tuple[str, ...]
    headers: Headers = None

    def __str__(self) -> str:
        return f"{self.kind:02} {self.name}"


@dataclass(frozen=True, slots=True)
class FieldRecord:
    """One record of others. `says_the_same`: as the one before it in its group; None where that is not asked."""

    name: str
    group: str
    value: bytes | None
    key: bytes | None
    kafka_us: int
    disposition: str
    reasons: tuple[str, ...] | None
    says_the_same: bool | None
    until: str
    differs: str
    headers: Headers = None

    def __str__(self) -> str:
        return self.name


def event_bytes(changes: dict[str, str] | None = None, without: tuple[str, ...] = ()) -> bytes:
    """EVENT with fields replaced or added, each by its JSON text, and others left out."""
    fields = {name: text for name, text in (EVENT | (changes or {})).items() if name not in without}
    return ("{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}").encode()


def read_cases() -> tuple[Case, ...]:
    """All cases, in the order of the file."""
    return tuple(_case(entry) for entry in tomllib.loads(FILE.read_text())["case"])


def read_field_records() -> tuple[FieldRecord, ...]:
    """All records of others, in the order of their file."""
    return tuple(_field_record(entry) for entry in tomllib.loads(FIELD_FILE.read_text())["record"])


def _field_record(entry: dict[str, Any]) -> FieldRecord:
    reasons = entry.get("reasons")
    disposition = entry.get("disposition", "QUARANTINED" if reasons else "UNIQUE")
    return FieldRecord(
        name=entry["name"],
        group=entry.get("group", entry["name"]),
        value=_value(entry),
        key=_bytes(entry["key"]) if "key" in entry else b"fld-a1",
        kafka_us=entry.get("kafka_us", int(FIELD_TIMESTAMP.timestamp()) * 1_000_000),
        disposition=disposition,
        # A report may leave the reason open.
        reasons=None if reasons is None and disposition == "QUARANTINED" else tuple(reasons or ()),
        says_the_same=entry.get("says_the_same"),
        until=entry.get("until", ""),
        differs=entry.get("differs", ""),
        headers=_headers(entry),
    )


def _case(entry: dict[str, Any]) -> Case:
    reasons = tuple(entry.get("reasons", ()))
    return Case(
        kind=entry["kind"],
        name=entry["name"],
        value=_value(entry),
        key=_bytes(entry["key"]) if "key" in entry else DEFAULT_KEY,
        kafka_us=entry.get("kafka_us", int(KAFKA_TIMESTAMP.timestamp()) * 1_000_000),
        is_resent=entry.get("resent", False),
        disposition=entry.get("disposition", "QUARANTINED" if reasons else "UNIQUE"),
        reasons=reasons,
        headers=_headers(entry),
    )


def _headers(entry: dict[str, Any]) -> Headers:
    """A table of names and texts, or, where one comes more than once, a list of pairs; of None without any."""
    headers = entry.get("headers")
    if headers is None:
        return None
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple((name, _bytes(text)) for name, text in pairs)


def _value(entry: dict[str, Any]) -> bytes | None:
    if entry.get("tombstone"):
        return None
    if "base64" in entry:
        return base64.b64decode(entry["base64"])
    if "bytes" in entry:
        parts = entry["bytes"] if isinstance(entry["bytes"], list) else [entry["bytes"]]
        return b"".join(_part(part) for part in parts)
    changes = {name: _text(text) for name, text in entry.get("change", {}).items()}
    value = event_bytes(changes, tuple(entry.get("without", ())))
    return value.decode().encode(str(entry.get("encoding", "utf-8")))


def _text(text: str | dict[str, Any]) -> str:
    return text if isinstance(text, str) else _part(text).decode()


def _part(part: str | dict[str, Any]) -> bytes:
    if isinstance(part, str):
        return _bytes(part)
    if "start" in part:
        return _bytes(part["start"]) + _bytes(part["repeat"]) * int(part["times"]) + _bytes(part["end"])
    return _bytes(part["repeat"]) * int(part["times"])


def _bytes(text: str) -> bytes:
    r"""UTF-8, with `\xNN` for a byte, `$event` for the valid event, `$open` and `$rest` for it without a brace."""
    raw = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), text.encode())
    whole = event_bytes()
    return raw.replace(b"$event", whole).replace(b"$open", whole[:-1]).replace(b"$rest", whole[1:])
