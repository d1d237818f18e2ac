"""Allow and block lists as a team types them."""

from datetime import UTC, datetime

import pytest
import typer

from orchestration.cli.fraud.lists import COLUMNS, cells, subject_of
from spark_jobs.fraud.lists import Entry, ListName, Subject, SubjectKind

FROM, UNTIL = datetime(2026, 11, 1, 8, 30, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def test_a_merchant_is_the_receiver_of_its_payments() -> None:
    assert subject_of("block", "merchant", "shop-1") == Subject(ListName.BLOCK, SubjectKind.RECEIVER, "shop-1")
    assert subject_of("allow", "Sender", "acct-1") == Subject(ListName.ALLOW, SubjectKind.SENDER, "acct-1")


@pytest.mark.parametrize("wrong", [("grey", "sender", "a"), ("allow", "country", "a"), ("allow", "device", " ")])
def test_what_is_no_list_or_nobody_is_refused(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(typer.BadParameter):
        subject_of(*wrong)


def test_an_entry_has_a_cell_for_each_column() -> None:
    shown = cells(Entry("e1", "BLOCK", "DEVICE", "d-1", FROM, UNTIL, "analyst", "a farm", FROM))
    assert shown == ["BLOCK", "DEVICE", "d-1", "2026-11-01 08:30", "2026-12-01 00:00", "a farm", "analyst"]
    assert len(shown) == len(COLUMNS)
