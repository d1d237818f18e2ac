"""A sender's control totals as a file: one CSV per report, as a gateway sends it once a day.

Belongs here: the file's form, written and read, and what a row may say. Does not belong here: loading it
(reports), what it is held against (dbt).
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.errors import CommandError
from spark_jobs.contract.iso_codes import MINOR_UNITS

COLUMNS = (
    *("source", "day", "topic", "kafka_partition", "currency", "delivered_count", "delivered_amount_minor"),
    *("delivered_hash_total", "unique_count", "unique_amount_minor", "max_offset"),
)
MAX_BYTES = 20_000_000
MAX_COUNT = 10**12
MAX_AMOUNT_MINOR = 2**63 - 1
MAX_HASH_TOTAL = 10**29 - 1
"""What BigQuery's NUMERIC holds before its point."""
FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class TotalsFile:
    """One report: rows of `sender_control_totals` but for when it was taken in. `sha256` is of the file's bytes."""

    source: str
    sha256: str
    rows: list[dict[str, Any]]


def write_totals(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a report.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_totals(path: Path) -> TotalsFile:
    """Read a report whose every row may be true.

    Raises:
        CommandError: one line that names the file, the row and what is wrong with it.
    """
    content = read_content(path, "control totals", "a report of control totals")
    try:
        lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} is no CSV file in UTF-8: {error}.") from None
    if not lines or tuple(lines[0]) != COLUMNS:
        raise CommandError(f"{path}, line 1: the columns must be {','.join(COLUMNS)}.")
    sha256 = hashlib.sha256(content).hexdigest()
    rows = [_row(path, number, line) | {"report_sha256": sha256} for number, line in enumerate(lines[1:], start=2)]
    if not rows:
        raise CommandError(f"{path} has no rows: a day without records is a row whose counts are 0.")
    _check_together(path, rows)
    return TotalsFile(rows[0]["source"], sha256, rows)


def read_content(path: Path, name: str, one: str) -> bytes:
    """The bytes of a sender's file, of MAX_BYTES at most; `name` and `one` are what a message calls it.

    Raises:
        CommandError: one line that names the file and what is wrong with it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"No {name} can be read at {path}: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise CommandError(f"{path} has {len(content):,} bytes; {one} has {MAX_BYTES:,} at most.")
    return content


def _row(path: Path, number: int, line: list[str]) -> dict[str, Any]:
    where = f"{path}, line {number}"
    if len(line) != len(COLUMNS):
        raise CommandError(f"{where}: {len(line)} values, not {len(COLUMNS)}.")
    row: dict[str, Any] = {}
    for name, text in zip(COLUMNS, line, strict=True):
        try:
            row[name] = _READERS[name](text)
        except ValueError as error:
            raise CommandError(f"{where}: {name} is {text[:50]!r}, which is not {error}.") from None
    if row["unique_count"] > row["delivered_count"]:
        raise CommandError(f"{where}: unique_count is greater than delivered_count.")
    if row["unique_amount_minor"] > row["delivered_amount_minor"]:
        raise CommandError(f"{where}: unique_amount_minor is greater than delivered_amount_minor.")
    if not row["currency"] and row["delivered_amount_minor"]:
        raise CommandError(f"{where}: records without a currency have no amount.")
    return row


def _check_together(path: Path, rows: list[dict[str, Any]]) -> None:
    keys: dict[tuple[object, ...], int] = {}
    counts: dict[tuple[str, int], int] = {}
    for number, row in enumerate(rows, start=2):
        if row["source"] != rows[0]["source"]:
            raise CommandError(f"{path}, line {number}: a file is of one source, which is {rows[0]['source']!r}.")
        first = keys.setdefault((row["day"], row["topic"], row["kafka_partition"], row["currency"]), number)
        if first != number:
            raise CommandError(f"{path}, line {number}: line {first} has the same day, topic, partition and currency.")
        place = (row["topic"], row["kafka_partition"])
        counts[place] = counts.get(place, 0) + row["delivered_count"]
    for number, row in enumerate(rows, start=2):
        if counts[row["topic"], row["kafka_partition"]] > row["max_offset"] + 1:
            raise CommandError(f"{path}, line {number}: there are more records than offsets up to max_offset.")


def _matching(pattern: str, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(what)
        return text

    return read


def _whole(most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,30}", text, re.ASCII) or int(text) > most:
            raise ValueError(f"a whole number from 0 to {most}")
        return int(text)

    return read


def _day(text: str) -> str:
    what = f"a day YYYY-MM-DD since {FIRST_DAY}"
    if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII):
        raise ValueError(what)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(what) from None
    if day < FIRST_DAY:
        raise ValueError(what)
    return text


def _currency(text: str) -> str:
    if text and text not in MINOR_UNITS:
        raise ValueError("a currency of ISO 4217, nor empty")
    return text


def _hash_total(text: str) -> str | None:
    return str(_whole(MAX_HASH_TOTAL)(text)) if text else None


_READERS: dict[str, Callable[[str], object]] = {
    "source": _matching("[A-Za-z0-9][A-Za-z0-9 ._:+-]{0,199}", "a name of letters, digits, spaces and . _ : + -"),
    "day": _day,
    "topic": _matching("[A-Za-z0-9._-]{1,249}", "a Kafka topic"),
    "kafka_partition": _whole(100_000),
    "currency": _currency,
    "delivered_count": _whole(MAX_COUNT),
    "delivered_amount_minor": _whole(MAX_AMOUNT_MINOR),
    "delivered_hash_total": _hash_total,
    "unique_count": _whole(MAX_COUNT),
    "unique_amount_minor": _whole(MAX_AMOUNT_MINOR),
    "max_offset": _whole(MAX_AMOUNT_MINOR),
}
