"""What was accepted as lost: where reading goes on behind it, and that nobody accepts it without saying why."""

from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration.cli.app import app
from orchestration.verification.gap_rules import behind_gaps, gap_cells


def gap(partition: int, start: int, end: int) -> dict[str, Any]:
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    given = {"accepted_by": "operator", "accepted_at": at, "reason": "retention"}
    return {"kafka_partition": partition, "start_offset": start, "end_offset": end} | given


@pytest.mark.parametrize(
    ("gaps", "starts"),
    [
        ([], {0: 10, 1: 5}),
        ([gap(0, 10, 13)], {0: 13, 1: 5}),
        ([gap(0, 13, 14), gap(0, 10, 13)], {0: 14, 1: 5}),
        ([gap(0, 11, 13)], {0: 10, 1: 5}),
        ([gap(0, 9, 13)], {0: 10, 1: 5}),
        ([gap(2, 0, 3), gap(1, 5, 6)], {0: 10, 1: 6}),
        ([gap(0, 10, 10)], {0: 10, 1: 5}),
    ],
    ids=["none", "one", "one after the other", "later", "overlapping", "other partitions", "empty"],
)
def test_reading_goes_on_behind_the_gaps_that_begin_where_it_ended(
    gaps: list[dict[str, Any]], starts: dict[int, int]
) -> None:
    assert behind_gaps({0: 10, 1: 5}, gaps) == starts


def test_a_gap_is_shown_with_its_last_offset_and_who_accepted_it() -> None:
    shown = [0, 10, 12, 3, "operator", "2026-11-21 12:00:00Z", "retention"]
    assert gap_cells(gap(0, 10, 13)) == shown


@pytest.mark.parametrize("reason", [[], ["--reason", "  "]])
def test_a_loss_is_not_accepted_without_a_reason(reason: list[str]) -> None:
    done = CliRunner().invoke(app, ["accept-gap", "--yes", *reason])
    assert done.exit_code == 2
    assert "--reason" in done.output
