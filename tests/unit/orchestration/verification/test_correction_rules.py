"""Deciding later: what the commands refuse, and that a missing decision is seen."""

import pytest
from typer.testing import CliRunner

from orchestration.cli.app import app
from orchestration.settings import read_stack_settings
from orchestration.verification.correction_rules import missing_corrections
from spark_jobs.settings import SettingError

SOUND = {"told_as": "correction_count", "row_count": 3, "ids": 3, "newest": 3}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["replay", "--yes"], "--why"),
        (["replay", "--late", "--yes", "--why", "  "], "--why"),
        (["replay", "--late", "--reason", "INVALID_JSON"], "late payment is valid"),
        (["replay", "--reject"], "--late"),
        (["resolve", "t1", "--keep", "first"], "--reason"),
        (["resolve", "--keep", "first", "--reason", "why"], "--keep needs a"),
    ],
    ids=" ".join,
)
def test_nothing_is_decided_without_saying_what_and_why(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert message in done.output


def test_late_money_waits_for_a_person_unless_the_policy_admits_it() -> None:
    assert read_stack_settings({}).late_policy == "hold"
    assert read_stack_settings({"PAYMENTS_LATE_POLICY": "admit"}).late_policy == "admit"
    with pytest.raises(SettingError, match="PAYMENTS_LATE_POLICY must be one of hold, admit"):
        read_stack_settings({"PAYMENTS_LATE_POLICY": "drop"})


def test_decisions_that_are_all_there_are_no_break() -> None:
    assert missing_corrections([SOUND], [{"correction_count": 3}]) == []


@pytest.mark.parametrize(
    ("found", "given"),
    [
        ({"row_count": 2, "ids": 2}, 3),
        ({"row_count": 2, "ids": 2, "newest": 2}, 3),
        ({"row_count": 4}, 3),
        ({}, 2),
    ],
    ids=["one taken out", "the last taken out", "one doubled", "one added"],
)
def test_a_decision_taken_out_or_put_in_by_hand_is_a_break(found: dict[str, int], given: int) -> None:
    assert missing_corrections([SOUND | found], [{"correction_count": given}])
