"""What `payments backfill` is asked for, and how a difference is shown."""

from datetime import date

import pytest
import typer

from orchestration.cli.decisions.backfill import _range
from orchestration.presentation.backfill_cells import cells
from spark_jobs.corrections.backfill import Difference


def test_a_day_or_a_range_of_offsets_may_be_asked_for() -> None:
    assert _range("2026-11-20") == date(2026, 11, 20)
    assert _range("3:100-250") == {3: (100, 250)}


@pytest.mark.parametrize("what", ["yesterday", "3:250-100", "3:5-5", "3:1", "2026-13-01", "-1:1-2"])
def test_anything_else_is_refused_with_what_to_write(what: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"offset|such as"):
        _range(what)


def test_a_difference_shows_its_money_with_a_sign() -> None:
    shown = cells([Difference("CHANGED", "UNIQUE", "EUR", 2, 2400, 1230), Difference("SAME", "LATE", "EUR", 1, 5, 5)])
    assert [row[-1] for row in shown] == ["-1,170", ""]
