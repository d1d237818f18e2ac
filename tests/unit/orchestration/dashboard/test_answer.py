from dataclasses import replace

import pytest

from orchestration.dashboard import statements
from orchestration.dashboard.answer import Verdict, answer
from orchestration.dashboard.model import Snapshot
from tests.unit.orchestration.dashboard.sample import judged, rows, snapshot, without_warehouse


def test_what_a_build_has_compared_is_counted_once_up_to_an_offset_and_a_minute() -> None:
    message = answer(snapshot())
    assert message.verdict is Verdict.YES
    assert message.sentence == (
        "Yes: every payment is counted once, up to offset 4,100 of partition 0, 3,999 of partition 1 and the minute "
        "2026-01-05 12:04 UTC."
    )
    assert message.details[0] == "79 comparisons, made at 2026-01-05 12:06 UTC up to batch 41."
    assert message.details[1].startswith("2 more are not due yet")


def test_what_came_since_is_counted_beside_it_and_the_offsets_are_those_of_the_compared_batch() -> None:
    control = [rows()[statements.CONTROL][0] | {"last_batch_id": 43, "end_offsets": '{"0": 9999, "1": 9999}'}]
    compared = [rows()[statements.COMPARED][0] | {"newer_batches": 2, "newer_records": 11_899}]
    message = answer(snapshot(control=control, compared=compared))
    assert message.verdict is Verdict.YES
    assert "4,100 of partition 0" in message.sentence
    assert "11,899 records of 2 newer batches are published, and not compared yet." in message.details


def test_many_partitions_are_told_by_their_sum() -> None:
    ends = "{" + ", ".join(f'"{partition}": 10' for partition in range(24)) + "}"
    assert (
        "offset 240 over 24 partitions"
        in answer(snapshot(control=[{"last_batch_id": 41, "end_offsets": ends}])).sentence
    )


@pytest.mark.parametrize("name", ["reconciliation_batches", "reconciliation_daily", "reconciliation_control_totals"])
def test_one_comparison_that_fails_is_a_no_that_names_it(name: str) -> None:
    broken = [
        row | ({"failed_count": 3} if row["reconciliation"] == name else {})
        for row in rows()[statements.RECONCILIATION]
    ]
    message = answer(snapshot(judged=broken))
    assert message.verdict is Verdict.NO
    assert message.sentence.startswith(f"No: 3 of 81 comparisons of 2026-01-05 fail, in {name}. ")
    assert "payments verify" in message.sentence


def test_nothing_published_and_nothing_compared_are_no_yes() -> None:
    assert answer(snapshot(control=[])).sentence == "No payment has been published yet."
    for rows_judged in ([], [judged("reconciliation_daily")]):
        message = answer(snapshot(judged=rows_judged))
        assert (message.verdict, message.sentence) == (
            Verdict.UNKNOWN,
            "Not known yet: 41 batches are published, and no build has compared them.",
        )


def test_without_the_warehouse_nothing_is_known_now_and_the_last_answer_is_told_with_its_time() -> None:
    message = answer(without_warehouse(snapshot()))
    assert (message.verdict, message.is_current) == (Verdict.UNKNOWN, False)
    assert message.sentence.startswith(
        "Not known now: the warehouse does not answer. At 2026-01-05 12:07 UTC it was: yes: every"
    )


def test_a_warehouse_that_never_answered_is_said_so() -> None:
    message = answer(replace(without_warehouse(snapshot()), sections={}))
    assert message.sentence == "Not known: the warehouse does not answer, and nothing of before is kept."
    assert answer(Snapshot("2026-01-05T12:00:00Z")).sentence.startswith("Not known yet")
