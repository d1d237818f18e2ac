"""Figures in the docs: each stands between two comments that name it, and is written there by a measurement.

Belongs here: keeping figures and putting them into Markdown. Does not belong here: measuring.
A place in a document looks like <!-- figure: name -->42<!-- /figure -->.
"""

import json
import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestration.presentation.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "benchmarks" / "figures.json"
_PLACE = re.compile(r"(<!-- figure: ([a-z0-9_]+) -->).*?(<!-- /figure -->)")


def keep(figures: dict[str, float | int | str]) -> None:
    """Add measured figures to those kept, and write all of them into every document that names them."""
    everything = kept() | figures
    KEPT.write_text(json.dumps(everything, indent=2, sort_keys=True) + "\n")
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = document.read_text()
        filled = fill(text, everything)
        if filled != text:
            document.write_text(filled)


def kept() -> dict[str, float | int | str]:
    """All figures that are kept, by name."""
    found: dict[str, float | int | str] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return found


def measured(how: str = "") -> str:
    """The line above a table: when, on how many cores, and, right after that, how."""
    return f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores{how}.\n\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown's table, one line for each row, ready to stand between two comments."""
    return markdown_table(columns, rows) + "\n"


def write_table(document: Path, name: str, markdown: str) -> None:
    """Put a measured table between the two comments that name it. Raises ValueError where the document has no place."""
    before, opening, rest = document.read_text().partition(f"<!-- table: {name} -->\n")
    _, closing, after = rest.partition("<!-- /table -->")
    if not opening or not closing:
        raise ValueError(f"{document} has no place for a table {name!r}")
    document.write_text(f"{before}{opening}{markdown}{closing}{after}")


def fill(text: str, figures: dict[str, float | int | str]) -> str:
    """The text with every named place filled. Raises KeyError for a place whose figure was never measured."""
    return _PLACE.sub(lambda place: f"{place[1]}{shown(figures[place[2]])}{place[3]}", text)


def shown(value: float | int | str) -> str:
    """Three significant digits at most, thousands apart."""
    if isinstance(value, str):
        return value
    if abs(value) >= 100:
        return f"{round(value):,}"
    return f"{value:.3g}"
