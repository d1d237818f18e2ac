"""What is wrong with a mapping file: one line each, with the line of the file and the key.

Belongs here: the error, and where a key stands in TOML. Does not belong here: the checks (spec).
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

type Keys = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `keys` lead to it: names of tables and keys, and positions in lists from 0."""

    keys: Keys
    message: str
    line: int | None = None

    @property
    def place(self) -> str:
        """The keys as a path, lists counted from 1."""
        return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{key}" for key in self.keys).lstrip(".")

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else ""
        return ": ".join(filter(None, (", ".join(filter(None, (where, self.place))), self.message)))


class MappingError(ValueError):
    """The mapping cannot be used. The message is one line; `findings` has all that is wrong."""

    def __init__(self, name: str, findings: Sequence[Finding]) -> None:
        self.name = name
        self.findings = tuple(findings)
        more = f" (and {len(findings) - 1} more: `payments mapping check`)" if len(findings) > 1 else ""
        super().__init__(f"{name}: {findings[0]}{more}")


def located(findings: Sequence[Finding], text: str) -> list[Finding]:
    """The findings with their lines in the file's text, in the order of the lines."""
    lines = _lines(text)
    placed = [Finding(f.keys, f.message, _line_of(f.keys, lines)) for f in findings]
    return sorted(placed, key=lambda finding: finding.line or 0)


def _line_of(keys: Keys, lines: dict[Keys, int]) -> int | None:
    for length in range(len(keys), 0, -1):
        if keys[:length] in lines:
            return lines[keys[:length]]
    return None


def _lines(text: str) -> dict[Keys, int]:
    """The line of each table and key. A list of tables is counted from 0; values over several lines hide nothing."""
    found: dict[Keys, int] = {}
    table: Keys = ()
    counts: dict[Keys, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.fullmatch(line)
        if header:
            table = _names(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
    return found


def _names(dotted: str) -> Keys:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))


class Findings:
    """What is found while a file is read, all of it: who mends one thing wants to know of the others."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, keys: Keys, message: str) -> None:
        """One more."""
        self.found.append(Finding(keys, message))

    def table(self, keys: Keys, value: object, known: Sequence[str]) -> dict[str, Any]:
        """The known keys of a table; anything else is found to be wrong."""
        if not isinstance(value, dict):
            self.add(keys, f"must be a table of {', '.join(known)}, not {kind_of(value)}")
            return {}
        for key in value:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
                self.add((*keys, key), f"is not known here; {hint}")
        return {key: value[key] for key in value if key in known}

    def text(self, keys: Keys, table: Mapping[str, Any], key: str, default: str | None = None) -> str | None:
        """The text under a key; `default` where there is none."""
        value = table.get(key, default)
        if value is None or (isinstance(value, str) and is_unicode(value)):
            return value
        self.add((*keys, key), f"must be a text in quotes, not {kind_of(value)}")
        return None

    def choice(self, keys: Keys, table: Mapping[str, Any], key: str, values: Sequence[str], default: str) -> str:
        """One of some words; `default` where there is none."""
        value = self.text(keys, table, key, default)
        if value is not None and value not in values:
            self.add((*keys, key), f"must be one of {', '.join(values)}, not {value!r}")
        return value if value is not None and value in values else default


def kind_of(value: object) -> str:
    """What somebody wrote, in TOML's words."""
    kinds = {bool: "true or false", int: "a whole number", float: "a number with a fraction"}
    kinds |= {str: "a text", list: "a list", dict: "a table", type(None): "nothing"}
    return kinds.get(type(value), "a date or time")


def is_unicode(text: str) -> bool:
    """Whether a text can be written down: JSON can escape halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
