"""How one provider writes its settlement report: a small TOML file that says which columns hold what.

Belongs here: the mapping's form, and reading it. Does not belong here: reading a report by it (settlement_file).
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from orchestration.errors import CommandError
from spark_jobs.contract.iso_codes import MINOR_UNITS

UNITS = ("major", "minor")
_SOURCE = "[A-Za-z0-9][A-Za-z0-9 ._:+-]{0,199}"
_SIGNS = (".", ",")
_KEYS = {
    "": {"source", "file", "day", "currency", "count", "amount", "fees", "only"},
    "file": {"delimiter", "encoding", "skip_lines"},
    "day": {"column", "format", "zone"},
    "currency": {"column", "value"},
    "count": {"column"},
    "amount": {"column", "unit", "decimal", "thousands"},
    "fees": {"column"},
    "only": {"column", "values"},
}


@dataclass(frozen=True, slots=True)
class SettlementMapping:
    """A provider's form. Without `count_column` each line is one payment; with `fee_column` amounts are net of fees."""

    source: str
    day_column: str
    day_format: str
    zone: str
    amount_column: str
    unit: str
    sha256: str
    currency_column: str | None = None
    currency: str | None = None
    count_column: str | None = None
    fee_column: str | None = None
    only_column: str | None = None
    only_values: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    skip_lines: int = 0

    @property
    def columns(self) -> list[str]:
        """Every column that is read."""
        names = (self.day_column, self.amount_column, self.currency_column, self.count_column)
        return [name for name in (*names, self.fee_column, self.only_column) if name is not None]


def read_mapping(path: Path) -> SettlementMapping:
    """Read a mapping.

    Raises:
        CommandError: one line that names the file, the entry and what is wrong with it.
    """
    try:
        content = path.read_bytes()
        found = tomllib.loads(content.decode())
    except OSError as error:
        raise CommandError(f"No mapping can be read at {path}: {error.strerror}.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{path} is no TOML file: {error}.") from None
    try:
        return _mapping(found, hashlib.sha256(content).hexdigest())
    except ValueError as error:
        raise CommandError(f"{path}: {error}.") from None


def _mapping(found: dict[str, Any], sha256: str) -> SettlementMapping:
    tables = {name: _table(found, name) for name in _KEYS if name}
    _refuse_unknown("", found)
    day, currency, amount = tables["day"], tables["currency"], tables["amount"]
    if ("column" in currency) == ("value" in currency):
        raise ValueError("[currency] has either a column or a value")
    source = _text(found, "", "source")
    if not re.fullmatch(_SOURCE, source):
        raise ValueError("source is a name of letters, digits, spaces and . _ : + -")
    value = _text(currency, "currency", "value", None)
    if value is not None and value not in MINOR_UNITS:
        raise ValueError(f"[currency] value is {value!r}, which is no currency of ISO 4217")
    only = tables["only"]
    if amount.get("thousands") == amount.get("decimal", "."):
        raise ValueError("[amount] thousands and decimal are one sign")
    return SettlementMapping(
        source=source,
        day_column=_text(day, "day", "column"),
        day_format=_text(day, "day", "format", "%Y-%m-%d"),
        zone=_zone(_text(day, "day", "zone")),
        amount_column=_text(amount, "amount", "column"),
        unit=_one_of(UNITS, _text(amount, "amount", "unit"), "[amount] unit"),
        sha256=sha256,
        currency_column=_text(currency, "currency", "column", None),
        currency=value,
        count_column=_text(tables["count"], "count", "column", None),
        fee_column=_text(tables["fees"], "fees", "column") if "fees" in found else None,
        only_column=_text(only, "only", "column") if only else None,
        only_values=_values(only) if only else (),
        decimal=_one_of(_SIGNS, _text(amount, "amount", "decimal", "."), "[amount] decimal"),
        thousands=_text(amount, "amount", "thousands", ""),
        delimiter=_delimiter(_text(tables["file"], "file", "delimiter", ",")),
        encoding=_encoding(_text(tables["file"], "file", "encoding", "utf-8")),
        skip_lines=_lines(tables["file"].get("skip_lines", 0)),
    )


def _table(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = found.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"{name} is a table, [{name}]")
    _refuse_unknown(name, table)
    return table


def _refuse_unknown(name: str, table: Mapping[str, Any]) -> None:
    for key in table:
        if key not in _KEYS[name]:
            raise ValueError(f"{f'[{name}] ' if name else ''}{key} is not known: {', '.join(sorted(_KEYS[name]))}")


_REQUIRED = object()


def _text(table: Mapping[str, Any], name: str, key: str, default: Any = _REQUIRED) -> Any:
    where = f"[{name}] {key}" if name else key
    value = table.get(key, default)
    if value is _REQUIRED:
        raise ValueError(f"{where} is missing")
    if key in table and (not isinstance(value, str) or not value):
        raise ValueError(f"{where} is no text")
    return value


def _one_of(choices: tuple[str, ...], value: str, where: str) -> str:
    if value not in choices:
        raise ValueError(f"{where} is {value!r}, which is not {' or '.join(choices)}")
    return value


def _values(only: Mapping[str, Any]) -> tuple[str, ...]:
    values = only.get("values")
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValueError("[only] values is a list of texts")
    return tuple(values)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"[day] zone is {name!r}, which is no time zone such as Europe/Berlin") from None
    return name


def _delimiter(text: str) -> str:
    if len(text) != 1 or text in '"\r\n':
        raise ValueError("[file] delimiter is one character")
    return text


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError(f"[file] encoding is {name!r}, which Python does not know") from None
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _lines(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1000:
        raise ValueError("[file] skip_lines is a whole number up to 1000")
    return value
