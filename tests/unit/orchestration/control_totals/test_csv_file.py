"""A sender's file of control totals: what is written is read again, and what cannot be true is one line."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from orchestration.control_totals.csv_file import COLUMNS, read_totals, write_totals
from orchestration.errors import CommandError
from spark_jobs.tables.catalog import CONTROL_TOTALS

ROW: dict[str, Any] = {
    **{"source": "gateway-7 2026-11-21", "day": "2026-11-21", "topic": "payment-events", "kafka_partition": 3},
    **{"currency": "EUR", "delivered_count": 3, "delivered_amount_minor": 2**63 - 1, "delivered_hash_total": "9" * 29},
    **{"unique_count": 2, "unique_amount_minor": 7, "max_offset": 10},
}


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "totals.csv"
    write_totals(path, rows)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CommandError) as refused:
        read_totals(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).count(str(path)) == 1
    return str(refused.value)


def test_what_is_written_is_read_again_and_fills_the_table_but_for_the_time(tmp_path: Path) -> None:
    path = written(tmp_path, ROW, ROW | {"currency": "", "delivered_amount_minor": 0, "unique_amount_minor": 0})
    report = read_totals(path)
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert report.source == ROW["source"]
    assert report.rows[0] == ROW | {"report_sha256": report.sha256}
    assert {*report.rows[0], "reported_at"} == {column.name for column in CONTROL_TOTALS.columns}


def test_a_sender_that_makes_no_hash_total_leaves_it_empty(tmp_path: Path) -> None:
    assert read_totals(written(tmp_path, ROW | {"delivered_hash_total": None})).rows[0]["delivered_hash_total"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("source", ""), ("source", "x" * 201), ("source", "a\nb"), ("day", "21.11.2026"), ("day", "2026-11-31")],
        *[("day", "1999-12-31"), ("topic", "a b"), ("topic", ""), ("kafka_partition", -1), ("kafka_partition", "1.5")],
        *[("currency", "eur"), ("currency", "XXQ"), ("delivered_count", "1e3"), ("delivered_count", 10**12 + 1)],
        *[("delivered_amount_minor", 2**63), ("delivered_amount_minor", "12.30"), ("delivered_amount_minor", "٣")],
        *[("delivered_hash_total", 10**29), ("delivered_hash_total", "ff"), ("max_offset", ""), ("unique_count", 4)],
    ],
)
def test_a_value_that_cannot_be_is_one_line_that_names_the_row_and_the_column(
    tmp_path: Path, name: str, value: object
) -> None:
    message = refusal(written(tmp_path, ROW, ROW | {"day": "2026-11-20", name: value}))
    assert name in message
    assert "line 3" in message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "another", "day": "2026-11-20"}, "line 3: a file is of one source"),
        ({}, "line 3: line 2 has the same day"),
        ({"day": "2026-11-20", "delivered_count": 9}, "more records than offsets"),
        ({"currency": "", "unique_amount_minor": 0}, "line 3: records without a currency"),
        ({"currency": "JPY", "delivered_amount_minor": 6}, "line 3: unique_amount_minor is greater"),
    ],
    ids=str,
)
def test_rows_that_cannot_stand_together_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    assert message in refusal(written(tmp_path, ROW, ROW | changes))


HEADER = ",".join(COLUMNS).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: the columns must be source,day,"),
        (b"source,day\n", "line 1: the columns must be"),
        (HEADER + b"\n", "has no rows"),
        (HEADER + b"\na,b\n", "line 2: 2 values, not 11"),
        (b"\xff\xfe", "no CSV file in UTF-8"),
        (HEADER + b'\n"a', "no CSV file"),
        (b"x" * 20_000_001, "20,000,000 at most"),
    ],
    ids=["empty", "other columns", "no rows", "short row", "binary", "open quote", "huge"],
)
def test_a_file_that_is_no_report_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "totals.csv"
    path.write_bytes(content)
    assert message in refusal(path)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.csv")
