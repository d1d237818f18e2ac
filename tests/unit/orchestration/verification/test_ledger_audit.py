"""An audit finds whatever a hand has touched in the ledger, names it, and blames nothing else."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration.cli.app import app
from orchestration.verification.ledger_audit import Broken, DayEvidence, judge
from spark_jobs.tables.ledger_digest import claims, digest

DAY = date(2026, 11, 21)
MORNING = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
COUNTS = {"delivered": 5, "unique_count": 2, "duplicate_count": 1, "late_count": 1, "quarantined_count": 1}


def ledger(last: int = 9) -> dict[int, dict[str, Any]]:
    """Batches by number, each with its own `partitions` and `amounts`."""
    rows: dict[int, dict[str, Any]] = {}
    previous = ""
    for number in range(1, last + 1):
        row: dict[str, Any] = {
            **{"batch_id": number, "pipeline": "payments", "topic": "payment-events", "epoch": 1},
            **{"start_offsets": "{}", "end_offsets": "{}", "watermark": None, "next_watermark": MORNING, **COUNTS},
            **{"content_hash": f"content {number}", "published_at": MORNING + timedelta(minutes=number)},
            "partitions": [{"batch_id": number, "kafka_partition": 0, "start_offset": 0, "end_offset": 5, **COUNTS}],
            "amounts": [
                {
                    "batch_id": number,
                    "disposition": "LATE",
                    "currency": c,
                    "record_count": 1,
                    "amount_minor": Decimal(7),
                }
                for c in ("EUR", "JPY")
            ],
        }
        given = claims(row, row["partitions"], row["amounts"], previous)
        previous = row["digest"] = digest(given, row["content_hash"], row["published_at"])
        rows[number] = row
    return rows


def day(rows: dict[int, dict[str, Any]], first: int = 4, last: int = 7) -> DayEvidence:
    """The day of these batches, of which the content is what it was."""
    mine = [row for number, row in sorted(rows.items()) if first <= number <= last]
    before = [row for number, row in sorted(rows.items()) if number < first]
    after = [row for number, row in sorted(rows.items()) if number > last]
    return DayEvidence(
        day=DAY,
        batches=mine,
        partitions=[part for row in mine for part in row["partitions"]],
        amounts=[amount for row in mine for amount in row["amounts"]],
        content={number: f"content {number}" for number in range(20)},
        before=before[-1] if before else None,
        after=after[0] if after else None,
        newest={"last_batch_id": 9, "digest": ledger()[9]["digest"]},
    )


def broken(evidence: DayEvidence, opening: str | None = None) -> dict[int, Broken]:
    return {batch.batch_id: batch.broken for batch in judge(evidence, opening).batches if batch.broken}


@pytest.mark.parametrize(("first", "last"), [(1, 3), (4, 7), (8, 9), (1, 9), (10, 12)])
def test_a_day_that_is_as_it_was_published_is_good(first: int, last: int) -> None:
    verdict = judge(day(ledger(), first, last))
    assert verdict.is_good
    assert [batch.batch_id for batch in verdict.batches] == list(range(first, min(last, 9) + 1))
    assert verdict.closing_digest == ledger()[min(last, 9)]["digest"]
    assert verdict.opening_digest == (ledger()[first - 1]["digest"] if first > 1 else "")


def alterations() -> dict[str, Callable[[dict[str, Any]], object]]:
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "a count": lambda row: row.update(late_count=0),
        "an offset": lambda row: row.update(end_offsets='{"0":1}'),
        "the epoch": lambda row: row.update(epoch=2),
        "the watermark": lambda row: row.update(watermark=MORNING),
        "the time": lambda row: row.update(published_at=row["published_at"] + timedelta(microseconds=1)),
        "the digest": lambda row: row.update(digest="f" * 64),
        "an amount": lambda row: row["amounts"][0].update(amount_minor=Decimal(8)),
        "an amount's row": lambda row: row["amounts"].pop(),
        "a doubled amount": lambda row: row["amounts"].append(row["amounts"][0]),
        "a partition's count": lambda row: row["partitions"][0].update(unique_count=3),
        "a partition's row": lambda row: row["partitions"].clear(),
    }
    return changes


@pytest.mark.parametrize("change", alterations().values(), ids=alterations())
def test_a_ledger_row_that_is_altered_is_named(change: Callable[[dict[str, Any]], object]) -> None:
    rows = ledger()
    change(rows[5])
    found = broken(day(rows))
    # What follows on an altered digest does not follow on what it followed on.
    assert found.pop(6, Broken.LEDGER_DIFFERS) is Broken.LEDGER_DIFFERS
    assert found == {5: Broken.LEDGER_DIFFERS}


def test_a_forger_who_makes_a_batchs_digest_anew_is_given_away_by_the_next_batch() -> None:
    rows = ledger()
    row = rows[5]
    row["late_count"] = 0
    given = claims(row, row["partitions"], row["amounts"], rows[4]["digest"])
    row["digest"] = digest(given, row["content_hash"], row["published_at"])
    assert broken(day(rows)) == {6: Broken.LEDGER_DIFFERS}


def test_a_forger_who_makes_all_digests_anew_is_given_away_by_the_control_row_and_by_what_was_written_down() -> None:
    written_down = ledger()[3]["digest"]
    rows = ledger()
    previous = ""
    for row in rows.values():
        row["late_count"] = 0
        given = claims(row, row["partitions"], row["amounts"], previous)
        previous = row["digest"] = digest(given, row["content_hash"], row["published_at"])
    assert broken(day(rows)) == {}
    assert broken(day(rows), written_down) == {4: Broken.OPENING_DIFFERS}
    assert broken(day(rows, 8, 9)) == {9: Broken.CONTROL_DIFFERS}


def test_deliveries_that_hash_to_something_else_are_named() -> None:
    evidence = day(ledger())
    assert broken(replace(evidence, content={**evidence.content, 5: "other"})) == {5: Broken.CONTENT_DIFFERS}
    gone = {number: found for number, found in evidence.content.items() if number != 6}
    assert broken(replace(evidence, content=gone)) == {6: Broken.CONTENT_DIFFERS}


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([4], {4: Broken.BATCH_MISSING, 5: Broken.NOT_LINKED}),
        ([5], {5: Broken.BATCH_MISSING, 6: Broken.NOT_LINKED}),
        ([7], {7: Broken.BATCH_MISSING}),
        ([5, 6], {5: Broken.BATCH_MISSING, 7: Broken.NOT_LINKED}),
        ([4, 5, 6, 7], {4: Broken.BATCH_MISSING}),
        ([7, 8, 9], {7: Broken.BATCH_MISSING}),
    ],
    ids=str,
)
def test_a_batch_that_was_removed_is_named_wherever_it_was(numbers: list[int], found: dict[int, Broken]) -> None:
    rows = ledger()
    for number in numbers:
        del rows[number]
    assert broken(day(rows)) == found


def test_of_a_batch_whose_records_have_expired_the_ledger_rows_are_still_held_against_its_digest() -> None:
    rows = ledger()
    gone = replace(day(rows), content={6: "content 6", 7: "content 7"}, expired=frozenset({4, 5}))
    verdict = judge(gone)
    assert verdict.is_good
    assert ["expired" in batch.detail for batch in verdict.batches] == [True, True, False, False]
    rows[5]["late_count"] += 1
    [broken] = [batch for batch in judge(gone).batches if batch.broken]
    assert (broken.batch_id, broken.broken) == (5, Broken.LEDGER_DIFFERS)
    assert not judge(replace(gone, expired=frozenset({4}))).is_good, "what has not expired must be there"


def test_a_batch_that_is_there_twice_is_named() -> None:
    evidence = day(ledger())
    doubled = replace(evidence, batches=[*evidence.batches, copy.copy(evidence.batches[1])])
    assert broken(doubled) == {5: Broken.BATCH_DOUBLED}


def test_a_control_row_that_is_gone_or_carries_another_digest_is_seen_at_the_newest_batch() -> None:
    evidence = day(ledger(), 8, 9)
    for newest in (None, {"last_batch_id": 9, "digest": "f" * 64}):
        assert broken(replace(evidence, newest=newest))[9] is Broken.CONTROL_DIFFERS


def test_a_control_row_that_was_set_back_is_seen_at_each_batch_that_it_does_not_know() -> None:
    rows = ledger()
    back = replace(day(rows, 8, 9), newest={"last_batch_id": 8, "digest": rows[8]["digest"]})
    assert broken(back) == {9: Broken.CONTROL_DIFFERS}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["audit", "21.11.2026"], "YYYY-MM-DD"),
        (["audit", "2026-11-31"], "YYYY-MM-DD"),
        (["audit", "--all", "2026-11-21"], "--all"),
        (["audit", "--all", "--opening", "ff"], "--all"),
    ],
    ids=" ".join,
)
def test_what_no_day_can_be_read_from_is_said(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert message in done.output
