"""A day's report: its sections as texts, and the hash that a signature is given for. Pure.

Belongs here: the report's form. Does not belong here: reading (reporting), the page.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from spark_jobs.tables.row_types import ReadRow

type Cells = dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """`sections` are by name; None is a section that could not be read, as dbt has not built it."""

    day: str
    made_at: str
    made_by: str
    sections: dict[str, list[Cells] | None]

    @classmethod
    def of_rows(
        cls, day: date, made_at: datetime, made_by: str, sections: Mapping[str, Sequence[ReadRow] | None]
    ) -> Self:
        """From rows of the warehouse."""
        content = {
            name: None if rows is None else [{key: cell(value) for key, value in row.items()} for row in rows]
            for name, rows in sections.items()
        }
        return cls(day.isoformat(), made_at.isoformat(), made_by, content)

    def as_text(self) -> str:
        """JSON, the same for the same report."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def sha256(self) -> str:
        """Of `as_text`, hexadecimal."""
        return hashlib.sha256(self.as_text().encode()).hexdigest()


def of_text(text: str) -> Report:
    """The report that `as_text` wrote."""
    return Report(**json.loads(text))


def cell(value: Any) -> str:
    """A value as it stands in a report. Money stays exact."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
