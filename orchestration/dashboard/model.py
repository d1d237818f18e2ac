"""What the page shows: a snapshot of sections, each with its rows, when they were read, and what kept them from it.

Belongs here: the dataclasses, and how they become JSON. Does not belong here: reading (reads), judging (answer, view).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from spark_jobs.tables.row_types import Row as Row

KAFKA, WAREHOUSE, DAGSTER = "Kafka", "The warehouse", "Dagster"

HISTORY_SECONDS = 24 * 60 * 60

_ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:])"
    r"|(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){1,7}:(?:[0-9A-Fa-f]{1,4}:?)*(?![0-9A-Za-z])"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the platform, and whether it answered."""

    name: str
    answers: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one read; where it failed those of the last good one, with `trouble` in one line."""

    rows: tuple[Row, ...] = ()
    read_at: str | None = None
    trouble: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the page knows, and when it last asked."""

    taken_at: str
    parts: tuple[Part, ...] = ()
    sections: Mapping[str, Section] = field(default_factory=dict)

    def section(self, name: str) -> Section:
        """A section; an empty one where it was never read."""
        return self.sections.get(name, Section())

    def rows(self, name: str) -> tuple[Row, ...]:
        """Its rows."""
        return self.section(name).rows

    def part(self, name: str) -> Part:
        """A part; one that is not known was never asked."""
        return next((part for part in self.parts if part.name == name), Part(name, False, "it was not asked yet"))


def plain(value: Any) -> Any:
    """A cell as JSON has it: money as text, times in UTC to the second, no network address in any text."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return safe(value) if isinstance(value, str) else value


def plain_rows(rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """Rows of such cells."""
    return tuple({name: plain(cell) for name, cell in row.items()} for row in rows)


def safe(text: str) -> str:
    """The text without network addresses: an error may name hosts, and the page names none."""
    return _ADDRESS.sub("[address]", text)


def stamp(moment: datetime) -> str:
    """A moment in UTC to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The moment that such a stamp says."""
    return datetime.fromisoformat(text)


def to_json(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot for a file."""
    return asdict(snapshot)


def from_json(data: Mapping[str, Any]) -> Snapshot:
    """The snapshot from a file. Raises KeyError, TypeError or ValueError where it is none of ours."""
    moment_of(data["taken_at"])
    return Snapshot(
        taken_at=data["taken_at"],
        parts=tuple(Part(**part) for part in data["parts"]),
        sections={
            name: Section(**{**section, "rows": tuple(section["rows"])}) for name, section in data["sections"].items()
        },
    )
