"""`payments erase`: what it refuses, what it shows, and that receipts stand for what was erased."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from orchestration.cli.app import app
from orchestration.cli.decisions.erase import expired_lines
from orchestration.presentation.erasure_cells import cells, receipt_cells
from orchestration.verification.ledger_rules import Evidence, find_breaks, tally
from orchestration.verification.manifest_rules import compare_records, erased_of, tally_of
from spark_jobs.contract.payment_event import ERASED
from spark_jobs.erasure.account_search import Found
from spark_jobs.erasure.erase import ErasureReceipt
from spark_jobs.retention.kept import EVERYTHING, Kept, Mark
from tests.unit.orchestration.verification.test_ledger_rules import Tables, delivered, sound_tables
from tests.unit.orchestration.verification.test_manifest_rules import MANIFEST, stored

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["acc-7", "--yes"], "--yes needs a --reason"),
        (["acc-7", "--yes", "--reason", " "], "--yes needs a --reason"),
        (["acc-7", "--yes", "--reason", "acc-7 asked"], "must not name the account"),
        (["+254 7", "--yes", "--reason", "of +254 7"], "must not name the account"),
        (["a@B.org", "--yes", "--reason", "A@b.org asked"], "must not name the account"),
        (["--", "- -"], "a text of 1 to 300 characters with a letter or a digit"),
        ([""], "a text of 1 to 300 characters with a letter or a digit"),
    ],
    ids=" ".join,
)
def test_nothing_is_erased_without_saying_what_and_why(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["erase", *words], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert message in done.output


def test_what_would_be_erased_is_shown_by_day_and_currency() -> None:
    found = [
        Found(("t", 0, 1), "a", "UNIQUE", DAY, "EUR", 100, 1, NOON, NOON),
        Found(("t", 0, 2), "a", "DUPLICATE", DAY, "EUR", 100, 0, NOON, None),
        Found(("t", 0, 3), None, "QUARANTINED", DAY, "", 0, 0, NOON, None),
    ]
    assert cells(found) == [(DAY, "", 1, 0, 0, 0), (DAY, "EUR", 2, 200, 1, 100)]
    assert receipt_cells([ErasureReceipt(1, DAY, "UNIQUE", "EUR", 1, 1, Decimal(100))]) == [
        (1, DAY, "UNIQUE", "EUR", 1, 1, 100)
    ]


def test_an_erasure_says_what_has_expired_by_itself() -> None:
    assert expired_lines(EVERYTHING) == []
    gone, blank = expired_lines(Kept(payments=Mark(DAY, 7), deliveries=Mark(DAY, 7), raw_values=Mark(DAY, 7)))
    assert "payments before 2026-11-21 and deliveries before 2026-11-21" in gone
    assert "no value is kept" in blank


def erased_tables() -> Tables:
    """The DUPLICATE of 1 EUR in batch 1 erased."""
    tables = sound_tables()
    tables["delivery_counts"][1] = delivered(1, 0, ERASED, 1, 2, 2)
    del tables["delivery_amounts"][1]
    key = {"batch_id": 1, "kafka_partition": 0, "disposition": "DUPLICATE", "currency": "EUR"}
    tables["erasures"] = [key | {"record_count": 1, "amount_minor": 100}]
    return tables


def test_the_law_holds_with_receipts() -> None:
    tables = erased_tables()
    assert find_breaks(Evidence(**tables)) == []
    [first, _] = tally(tables["delivery_counts"])
    assert (first.delivered, first.duplicate, first.erased) == (6, 0, 1)


@pytest.mark.parametrize("change", [{"record_count": 2}, {"amount_minor": 99}, {"disposition": "UNIQUE"}, None])
def test_a_receipt_that_is_altered_or_taken_out_is_missed(change: dict[str, object] | None) -> None:
    tables = erased_tables()
    tables["erasures"] = [tables["erasures"][0] | change] if change else []
    assert find_breaks(Evidence(**tables))


def test_an_erased_delivery_that_is_taken_out_is_missed() -> None:
    tables = erased_tables()
    del tables["delivery_counts"][1]
    assert {found.rule for found in find_breaks(Evidence(**tables))} == {"an erased delivery has its receipt"}


def test_a_manifest_agrees_with_what_was_erased_since() -> None:
    rows = [row | {"disposition": ERASED, "reasons": []} for row in stored()]
    assert compare_records(MANIFEST, rows) == []
    assert {row.erased for row in tally_of(MANIFEST, erased_of(rows))} == {len(rows)}
    assert compare_records(MANIFEST, [row | {"value_sha256": b"other"} for row in rows])
