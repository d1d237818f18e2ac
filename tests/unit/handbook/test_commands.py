from pathlib import Path

import pytest

from handbook.commands import fault, named
from handbook.links import ROOT, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_that_a_page_names_exists_with_its_options(page: Path) -> None:
    text = page.read_text()
    assert {f"line {line}: {command}: {why}" for line, command in named(text) if (why := fault(command))} == set()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("payments verify --json", ""),
        ("payments mapping check FILE", ""),
        ("payments replay --late [--reject] --yes --why '...'", ""),
        ("payments process && payments build", ""),
        ("payments costs --days 7   # a week", ""),
        ("make bench EVENTS=1000", ""),
        ("make lint type", ""),
        ("payments verfy", "payments has no command verfy"),
        ("payments mapping chek", "payments mapping has no command chek"),
        ("payments verify --jsn", "payments verify has no option --jsn"),
        ("make dance", "there is no target dance"),
    ],
)
def test_a_command_or_an_option_that_is_not_there_is_named(command: str, why: str) -> None:
    assert fault(command) == why


def test_commands_are_found_in_sentences_and_in_blocks() -> None:
    page = (
        "Run `payments verify`, not `verify`.\n\n    make up   # all\n\n"
        "```sh\n.venv/bin/payments status\n```\n\n<!-- table: x -->\n```text\npayments of no interest\n```\n"
    )
    assert list(named(page)) == [(1, "payments verify"), (6, "payments status"), (3, "make up   # all")]
