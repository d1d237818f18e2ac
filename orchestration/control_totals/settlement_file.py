"""A provider's settlement report: its lines, by the provider's mapping, as counts and money by day and currency.

Belongs here: reading a report, and what its lines may say. Does not belong here: the mapping (settlement_mapping),
loading (reports), what it is held against (dbt).
"""

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.control_totals.csv_file import FIRST_DAY, MAX_AMOUNT_MINOR, MAX_COUNT, read_content
from orchestration.control_totals.settlement_mapping import SettlementMapping
from orchestration.errors import CommandError
from spark_jobs.contract.iso_codes import MINOR_UNITS

MAX_ROWS = 2_000
"""Days times currencies of one report: it is written in one statement."""


@dataclass(frozen=True, slots=True)
class SettlementReport:
    """Rows of `sender_settlement_totals` but for when it was taken in; `lines` of the file were payments."""

    source: str
    zone: str
    sha256: str
    lines: int
    rows: list[dict[str, Any]]


def read_settlement(path: Path, mapping: SettlementMapping) -> SettlementReport:
    """Read a report whose every line may be true.

    Raises:
        CommandError: one line that names the file, the line and what is wrong with it.
    """
    content = read_content(path, "settlement report", "a settlement report")
    try:
        text = content.decode(mapping.encoding)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=mapping.delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{path} is no CSV file in {mapping.encoding}: {error}.") from None
    places = _places(path, lines, mapping)
    totals: dict[tuple[date, str], list[int]] = {}
    taken = 0
    for number, line in enumerate(lines[mapping.skip_lines + 1 :], start=mapping.skip_lines + 2):
        if not any(line):
            continue
        if len(line) != len(lines[mapping.skip_lines]):
            raise CommandError(
                f"{path}, line {number}: {len(line)} values, not {len(lines[mapping.skip_lines])} as in the header."
            )
        fields = {name: line[place].strip() for name, place in places.items()}
        if mapping.only_column is not None and fields[mapping.only_column] not in mapping.only_values:
            continue
        try:
            day, currency, count, amount_minor = _line(fields, mapping)
        except ValueError as error:
            raise CommandError(f"{path}, line {number}: {error}.") from None
        total = totals.setdefault((day, currency), [0, 0])
        total[0] += count
        total[1] += amount_minor
        taken += 1
    return SettlementReport(
        mapping.source,
        mapping.zone,
        hashlib.sha256(content).hexdigest(),
        taken,
        _rows(path, totals, mapping, hashlib.sha256(content).hexdigest()),
    )


def _places(path: Path, lines: list[list[str]], mapping: SettlementMapping) -> dict[str, int]:
    if len(lines) <= mapping.skip_lines:
        raise CommandError(f"{path} has no line {mapping.skip_lines + 1} with the names of its columns.")
    header = [name.strip() for name in lines[mapping.skip_lines]]
    for name in mapping.columns:
        if header.count(name) != 1:
            times = "has no column" if name not in header else "has more than one column"
            raise CommandError(f"{path}, line {mapping.skip_lines + 1} {times} {name!r}: {', '.join(header)}.")
    return {name: header.index(name) for name in mapping.columns}


def _line(fields: dict[str, str], mapping: SettlementMapping) -> tuple[date, str, int, int]:
    day = _day(fields[mapping.day_column], mapping)
    currency = mapping.currency or fields[str(mapping.currency_column)]
    if currency not in MINOR_UNITS:
        raise ValueError(f"{mapping.currency_column} is {currency[:50]!r}, which is no currency of ISO 4217")
    count = 1 if mapping.count_column is None else _count(fields[mapping.count_column], mapping.count_column)
    amount = _money(fields, mapping.amount_column, mapping, currency)
    if mapping.fee_column is not None:
        # Some write what they kept with a minus, some without.
        amount += abs(_money(fields, mapping.fee_column, mapping, currency))
    if amount < 0:
        raise ValueError(f"{mapping.amount_column} is below zero: name the lines that are payments under [only]")
    return day, currency, count, amount


def _day(text: str, mapping: SettlementMapping) -> date:
    try:
        # The zone is the mapping's: what the format reads of one is of no day's length.
        day = datetime.strptime(text, mapping.day_format).date()  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"{mapping.day_column} is {text[:50]!r}, which is no day as {mapping.day_format}") from None
    if day < FIRST_DAY:
        raise ValueError(f"{mapping.day_column} is {text[:50]!r}, which is before {FIRST_DAY}")
    return day


def _count(text: str, column: str) -> int:
    if not re.fullmatch("[0-9]{1,13}", text, re.ASCII) or int(text) > MAX_COUNT:
        raise ValueError(f"{column} is {text[:50]!r}, which is not a whole number from 0 to {MAX_COUNT}")
    return int(text)


def _money(fields: dict[str, str], column: str, mapping: SettlementMapping, currency: str) -> int:
    """An amount in minor units: a text with the mapping's signs, never a float."""
    text = fields[column]
    grouped = f"[0-9]{{1,3}}(?:{re.escape(mapping.thousands)}[0-9]{{3}})+|" if mapping.thousands else ""
    found = re.fullmatch(f"(-?)({grouped}[0-9]{{1,19}})(?:{re.escape(mapping.decimal)}([0-9]{{1,9}}))?", text, re.ASCII)
    if found is None:
        raise ValueError(f"{column} is {text[:50]!r}, which is no amount with the decimal sign {mapping.decimal!r}")
    whole = found[2].replace(mapping.thousands, "") if mapping.thousands else found[2]
    plain = f"{found[1]}{whole}.{found[3] or '0'}"
    minor = Decimal(plain).scaleb(MINOR_UNITS[currency] if mapping.unit == "major" else 0)
    if minor != minor.to_integral_value():
        raise ValueError(f"{column} is {text[:50]!r}, which has more decimals than {currency} in {mapping.unit} units")
    return int(minor)


def _rows(
    path: Path, totals: dict[tuple[date, str], list[int]], mapping: SettlementMapping, sha256: str
) -> list[dict[str, Any]]:
    if not totals:
        raise CommandError(f"{path} has no payments: a day without any is a line whose count and amount are 0.")
    if len(totals) > MAX_ROWS:
        raise CommandError(f"{path} has {len(totals):,} days and currencies; one report has {MAX_ROWS:,} at most.")
    for (day, currency), (count, amount) in totals.items():
        if count > MAX_COUNT or amount > MAX_AMOUNT_MINOR:
            raise CommandError(f"{path}: {day} in {currency} is more than can be stored.")
        if amount and not count:
            raise CommandError(f"{path}: {day} in {currency} has money and no payments.")
    return [
        {
            "source": mapping.source,
            "zone": mapping.zone,
            "day": day.isoformat(),
            "currency": currency,
            "payment_count": count,
            "amount_minor": amount,
            "report_sha256": sha256,
            "mapping_sha256": mapping.sha256,
        }
        for (day, currency), (count, amount) in sorted(totals.items())
    ]
