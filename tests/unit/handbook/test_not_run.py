import re
from pathlib import Path

import pytest

from handbook.console import typed
from handbook.links import ROOT, pages
from handbook.markdown import blocks
from handbook.not_run import Entry, drills, gone, name, not_run, sql_not_run, to_run

DRILLED_BY = {
    "README.md": "tests/integration/test_command.py",
    "docs/day-two.md": "tests/integration/test_day_two.py",
}

A_READER_HAS = {"payments", "python", "export", "kafka-delete-records.sh"}
"""Programs of commands that tests/docs types; it runs for minutes, so a page's other program is found here."""


@pytest.mark.parametrize("entry", not_run(), ids=lambda entry: f"{entry.page}: {entry.commands[0]}")
def test_what_is_not_run_stands_in_its_page_and_has_a_reason(entry: Entry) -> None:
    assert gone(entry) == [], "the page no longer has it: take it off the list"
    assert entry.reason


def test_sql_that_is_not_run_stands_in_its_page() -> None:
    for entry in sql_not_run():
        sql = [block for block in blocks((ROOT / entry.page).read_text()) if block.language == "sql"]
        assert set(entry.commands) <= {block.lines[0] for block in sql}


def test_no_command_is_on_the_list_twice() -> None:
    named = [(entry.page, command) for entry in not_run() for command in entry.commands]
    assert len(named) == len(set(named))


@pytest.mark.parametrize("entry", not_run(), ids=lambda entry: f"{entry.page}: {entry.commands[0]}")
def test_an_entry_names_whole_commands_of_one_page_and_no_pattern(entry: Entry) -> None:
    lines = {each.command for each in typed((ROOT / entry.page).read_text())}
    assert set(entry.commands) <= lines


def test_a_new_command_is_run_and_one_that_is_gone_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Type:\n\n    payments something-new\n")
    assert [each.command for each in typed(page.read_text())] == ["payments something-new"]
    assert gone(Entry("README.md", ("payments no-more",), "x")) == ["payments no-more"]
    assert gone(Entry("docs/no-page.md", ("payments up",), "x")) == ["docs/no-page.md"]
    assert gone(Entry("README.md", ("make demo",), "x", by="tests/no_test.py")) == ["tests/no_test.py"]


@pytest.mark.parametrize("page", pages(), ids=name)
def test_a_command_of_a_program_that_no_test_has_is_on_the_list(page: Path) -> None:
    assert [each.command for each in to_run(page) if Path(each.command.split()[0]).name not in A_READER_HAS] == []


def test_every_drill_is_done_by_its_test() -> None:
    assert drills().keys() == DRILLED_BY.keys()
    for page, names in drills().items():
        text = (ROOT / DRILLED_BY[page]).read_text()
        assert [each for each in names if f'"{each}"' not in text] == []


@pytest.mark.parametrize("page", pages(), ids=name)
def test_each_command_of_a_page_is_run_or_on_the_list_or_a_drill(page: Path) -> None:
    text = page.read_text()
    named = {command for entry in not_run() if entry.page == name(page) for command in entry.commands}
    every = [each for each in typed(text) if each.command not in named]
    assert [each.line for each in every if not each.above.startswith("drill: ")] == [each.line for each in to_run(page)]
    seen = {each.line for each in typed(text)}
    stray = [
        f"line {number}: {line}"
        for block in blocks(text)
        if block.language != "console" and not block.comment.startswith("table:")
        for number, line in enumerate(block.lines, block.line)
        if re.match(r"\s*(?:\$ )?(?:payments|make) [a-z-]", line) and number not in seen
    ]
    assert stray == [], "a command that no test sees: begin its block with a command"
