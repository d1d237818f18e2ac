from pathlib import Path

import pytest

from handbook.console import typed_elsewhere
from handbook.links import ROOT, pages
from handbook.not_run import NotRun, entries, without_reason


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_is_run_or_has_a_reason_why_not(page: Path) -> None:
    assert without_reason(page) == [], "show it as a ```console block, or name it in the list of those not run"


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.command)
def test_a_reason_is_about_a_command_that_a_page_has_and_a_test_that_there_is(entry: NotRun) -> None:
    typed = [command for page in pages() for _, command in typed_elsewhere(page.read_text())]
    assert any(entry.covers(command) for command in typed)
    assert not entry.by or (ROOT / entry.by).is_file()


def test_an_entry_is_about_whole_words() -> None:
    assert NotRun("payments up", "x").covers("payments up --no-ui")
    assert not NotRun("payments up", "x").covers("payments update")
