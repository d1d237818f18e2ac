"""The truth about a topic, and whether a contender's files agree with it."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.contest import oracle
from benchmarks.contest.oracle import Truth

PAYMENTS = {"transaction_id": ["a", "b", "c"], "currency": ["EUR", "EUR", "JPY"]}
TRUTH = Truth(3, 3, {"EUR": 1500, "JPY": 70})


def line(disposition: str, currency: str, amount_minor: int) -> str:
    return json.dumps({"disposition": disposition, "currency": currency, "amount_minor": amount_minor, "kind": "x"})


def write(path: Path, **columns: list[object]) -> Path:
    pq.write_table(pa.table(PAYMENTS | columns), path)
    return path


def test_only_unique_deliveries_are_true(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest"
    lines = [line("UNIQUE", "EUR", 500), line("DUPLICATE", "EUR", 500), line("UNIQUE", "EUR", 1000)]
    manifest.write_text("\n".join(['{"header": 1}', *lines, line("UNIQUE", "JPY", 70)]) + "\n")
    assert oracle.sent(manifest) == TRUTH


@pytest.mark.parametrize("kind", [Decimal, str], ids=["decimal", "text"])
def test_amounts_are_read_to_the_minor_unit(tmp_path: Path, kind: type) -> None:
    file = write(tmp_path / "part.parquet", amount=[kind("5.00"), kind("10.00"), kind("70")])
    assert oracle.in_files([file]) == TRUTH


def test_a_payment_that_is_there_twice_is_noticed(tmp_path: Path) -> None:
    files = [write(tmp_path / name, amount=["5.00", "10.00", "70"]) for name in ("1.parquet", "2.parquet")]
    assert oracle.in_files(files) == Truth(6, 3, {"EUR": 3000, "JPY": 140})


def test_nothing_written_is_nothing_found(tmp_path: Path) -> None:
    assert oracle.in_files(oracle.parquet_files(tmp_path)) == Truth(0, 0, {})


def test_what_an_engine_has_not_finished_does_not_count(tmp_path: Path) -> None:
    for name in (".part-1.inprogress", "_metadata", "part-0"):
        (tmp_path / name).touch()
    assert oracle.parquet_files(tmp_path) == [tmp_path / "part-0"]


def test_a_delta_table_is_what_its_log_says(tmp_path: Path) -> None:
    log = tmp_path / "_delta_log"
    log.mkdir()
    commits: list[list[dict[str, dict[str, str]]]] = [
        [{"add": {"path": "a"}}, {"add": {"path": "b"}}],
        [{"remove": {"path": "a"}}, {"add": {"path": "c"}}, {"commitInfo": {}}],
    ]
    for number, actions in enumerate(commits):
        (log / f"{number:020d}.json").write_text("\n".join(json.dumps(action) for action in actions))
    assert oracle.delta_files(tmp_path) == [tmp_path / "b", tmp_path / "c"]


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        pytest.param(TRUTH, "", id="exact"),
        pytest.param(Truth(5, 3, TRUTH.minor), "2 rows too many", id="twice"),
        pytest.param(Truth(2, 2, {}), "1 payments missing", id="missing"),
        pytest.param(Truth(3, 2, TRUTH.minor), "1 payments missing, 1 rows too many", id="both"),
        pytest.param(Truth(3, 3, {"EUR": 1}), "other amounts", id="money"),
    ],
)
def test_a_difference_is_said_in_a_few_words(found: Truth, difference: str) -> None:
    assert TRUTH.difference(found) == difference
