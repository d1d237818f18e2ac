"""A provider's settlement report: read by its mapping, refused in one line, and the example of the documentation."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.control_totals.settlement_file import MAX_ROWS, SettlementReport, read_settlement
from orchestration.control_totals.settlement_mapping import SettlementMapping, read_mapping
from orchestration.errors import CommandError
from spark_jobs.tables.catalog import SETTLEMENT_TOTALS
from tests.architecture.sources import ROOT

PAGE = (ROOT / "docs/settlement-reports.md").read_text()
PLAIN = SettlementMapping(
    source="p",
    day_column="day",
    day_format="%Y-%m-%d",
    zone="UTC",
    amount_column="amount",
    unit="major",
    sha256="of the mapping",
    currency_column="currency",
    count_column="count",
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def read(folder: Path, content: str | bytes, mapping: SettlementMapping = PLAIN) -> SettlementReport:
    path = folder / "REPORT.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_settlement(path, mapping)


def refusal(folder: Path, content: str | bytes, mapping: SettlementMapping = PLAIN) -> str:
    with pytest.raises(CommandError) as refused:
        read(folder, content, mapping)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def sums(report: SettlementReport) -> list[tuple[str, str, int, int]]:
    return [(row["day"], row["currency"], row["payment_count"], row["amount_minor"]) for row in report.rows]


def test_the_example_of_the_documentation_is_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "provider.toml").write_text(*blocks("toml"))
    mapping = read_mapping(tmp_path / "provider.toml")
    refused, taken = (block.encode("windows-1252") for block in blocks("csv"))
    [message] = blocks("text")
    assert refusal(tmp_path, refused, mapping).endswith(message.strip().removeprefix("REPORT.csv"))
    report = read(tmp_path, taken, mapping)
    given = re.findall(r"^\| (\d{4}-\d\d-\d\d) \| (\w{3}) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert sums(report) == [(day, currency, int(count), int(amount)) for day, currency, count, amount in given]
    assert (report.zone, report.lines) == ("Europe/Berlin", 3)
    assert {*report.rows[0], "reported_at"} == {column.name for column in SETTLEMENT_TOTALS.columns}


def test_lines_of_one_day_and_currency_are_added_up_and_each_may_be_a_payment(tmp_path: Path) -> None:
    each = replace(PLAIN, count_column=None, currency_column=None, currency="KWD", unit="minor")
    text = "day,amount\r\n2026-01-01,5\r\n2026-01-01,7\r\n\r\n2025-12-31,1\r\n"
    assert sums(read(tmp_path, text, each)) == [("2025-12-31", "KWD", 1, 1), ("2026-01-01", "KWD", 2, 12)]


@pytest.mark.parametrize(
    ("text", "changes", "minor"),
    [
        ("12.30", {}, 1230),
        ("12", {}, 1200),
        ("12.300000000", {}, 1230),
        ("0", {}, 0),
        ("1,234.5", {"thousands": ","}, 123450),
        ("1234.5", {"thousands": ","}, 123450),
        ("1.234.567,89", {"thousands": ".", "decimal": ","}, 123456789),
        ("1'234.50", {"thousands": "'"}, 123450),
        ("1230", {"unit": "minor"}, 1230),
        ("1230.00", {"unit": "minor"}, 1230),
    ],
)
def test_an_amount_is_read_as_its_provider_writes_it(
    tmp_path: Path, text: str, changes: dict[str, Any], minor: int
) -> None:
    mapping = replace(PLAIN, delimiter=";", **changes)
    assert sums(read(tmp_path, f"day;currency;count;amount\n2026-01-01;EUR;1;{text}\n", mapping))[0][3] == minor


@pytest.mark.parametrize("fee", ["0.30", "-0.30"])
def test_a_net_amount_gets_its_fees_back_with_whatever_sign(tmp_path: Path, fee: str) -> None:
    net = replace(PLAIN, fee_column="fee")
    assert sums(read(tmp_path, f"day,currency,count,amount,fee\n2026-01-01,EUR,1,12.00,{fee}\n", net))[0][3] == 1230


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("01.01.2026,EUR,1,1", "day is '01.01.2026', which is no day as %Y-%m-%d"),
        ("1999-12-31,EUR,1,1", "before 2000-01-01"),
        ("2026-02-29,EUR,1,1", "which is no day"),
        ("2026-01-01,eur,1,1", "currency is 'eur', which is no currency"),
        ("2026-01-01,EUR,1.5,1", "count is '1.5'"),
        ("2026-01-01,EUR,-1,1", "count is '-1'"),
        ('2026-01-01,EUR,1,"1,5"', "amount is '1,5', which is no amount"),
        ("2026-01-01,EUR,1,1e3", "which is no amount"),
        ("2026-01-01,EUR,1,NaN", "which is no amount"),
        ("2026-01-01,EUR,1,٣", "which is no amount"),
        ("2026-01-01,EUR,1,1.234", "more decimals than EUR in major units"),
        ("2026-01-01,JPY,1,0.5", "more decimals than JPY"),
        ("2026-01-01,EUR,1,-1", "below zero: name the lines that are payments under [only]"),
        ("2026-01-01,EUR,1", "3 values, not 4 as in the header"),
    ],
)
def test_a_line_that_cannot_be_is_named_with_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    message = refusal(tmp_path, f"day,currency,count,amount\n2026-01-01,EUR,1,1\n{line}\n")
    assert f"line 3: {said}" in message or (said in message and "line 3" in message)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "has no line 1 with the names"),
        ("day,currency,count\n", "line 1 has no column 'amount': day, currency, count"),
        ("day,currency,count,amount,amount\n", "more than one column 'amount'"),
        ("day,currency,count,amount\n", "has no payments"),
        (b"\xff\xfe", "is no CSV file in utf-8-sig"),
        ("day,currency,count,amount\n2026-01-01,EUR,0,5\n", "has money and no payments"),
        ("day,currency,count,amount\n2026-01-01,EUR,1,92233720368547758.08\n", "more than can be stored"),
        ("x" * 20_000_001, "20,000,000 at most"),
    ],
    ids=["empty", "no column", "two columns", "no lines", "binary", "money alone", "too much", "huge"],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    assert said in refusal(tmp_path, content)


def test_a_report_of_too_many_days_is_refused(tmp_path: Path) -> None:
    days = "\n".join(f"{date.fromordinal(730_120 + n)},EUR,1,1" for n in range(MAX_ROWS + 1))
    assert "2,000 at most" in refusal(tmp_path, f"day,currency,count,amount\n{days}\n")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        read_settlement(tmp_path / "none.csv", PLAIN)
