"""The breaks that there are, and where they are told of."""

import re

from orchestration.alerts.runbooks import FOLDER
from orchestration.breaks.by_name import BREAKS
from orchestration.scenarios.registry import summary_of

TROUBLESHOOTING = FOLDER.parent / "troubleshooting.md"


def test_every_break_says_in_one_line_what_it_shows() -> None:
    assert all(summary_of(run) for run in BREAKS.values())


def test_troubleshooting_lists_the_breaks_in_their_order() -> None:
    text = TROUBLESHOOTING.read_text()
    assert re.findall(r"^    payments break ([a-z-]+) ", text, re.MULTILINE) == list(BREAKS)
    assert set(re.findall(r"payments break ([a-z-]+)", text)) == set(BREAKS)
