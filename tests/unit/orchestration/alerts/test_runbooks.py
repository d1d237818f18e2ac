"""Every alert has a runbook, with the four parts, and every command in one is a command that exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.core
import typer.exceptions

from orchestration.alerts.promises import EVERY_ALERT
from orchestration.alerts.runbooks import FOLDER, runbook_of
from orchestration.cli.app import app

ROOT = FOLDER.parents[1]
NAMES = {alert.name for alert in EVERY_ALERT}
PAGES = sorted(FOLDER.glob("Payments*.md"))
PARTS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
COMMAND = re.compile(r"^(?: {4}| {7})((?:payments|make) .*)$|`((?:payments|make)(?: [^`]*)?)`", re.MULTILINE)
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands(text: str) -> list[str]:
    """Commands in code blocks, also within lists, and in the text."""
    return [block or inline for block, inline in COMMAND.findall(text)]


def refusal(command: str) -> str:
    """Why the real parser does not take it; empty where it does. It is parsed, and not run."""
    program, *words = shlex.split(command, comments=True)
    if program == "make":
        return "" if words and words[0] in TARGETS else "no such target"
    at: Any = typer.main.get_command(app)
    while isinstance(at, typer.core.TyperGroup):
        if not words or words[0] not in at.commands:
            return "no such command"
        at = at.commands[words.pop(0)]
    try:
        at.make_context(command, words, resilient_parsing="--help" in words)
    except typer.Exit:
        return ""
    except typer.exceptions.TyperException as error:
        return str(error.format_message())
    return ""


def unknown_links(page: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        if not (page.parent / target).exists():
            yield target


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {page.stem for page in PAGES} == NAMES
    assert all((ROOT / runbook_of(name)).is_file() for name in NAMES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_runbook_has_the_four_parts_and_says_something_in_each(page: Path) -> None:
    title, *parts = re.split(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)[1::2]
    assert title == page.stem
    assert parts == PARTS
    texts = re.split(r"^## .+$", page.read_text(), flags=re.MULTILINE)[1:]
    assert all(text.strip() for text in texts)


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md"], ids=lambda page: page.stem)
def test_every_command_and_every_link_of_a_runbook_exists(page: Path) -> None:
    text = page.read_text()
    found = commands(text)
    assert found or page.stem == "README"
    assert {command: message for command in found if (message := refusal(command))} == {}
    assert list(unknown_links(page)) == []


def test_the_command_of_every_alert_exists() -> None:
    assert {alert.name: message for alert in EVERY_ALERT if (message := refusal(alert.command))} == {}


def test_a_command_that_does_not_exist_is_found() -> None:
    assert refusal("payments nothing") == "no such command"
    assert refusal("make nothing") == "no such target"
    assert "--never" in refusal("payments verify --never")
    assert "--keep" in refusal("payments resolve id --keep")
    assert commands("1. Do it:\n\n       payments up\n\nor `make down`, not `paymentsx`.") == [
        "payments up",
        "make down",
    ]


def test_an_address_is_joined_once() -> None:
    assert runbook_of("A") == "docs/runbooks/A.md"
    assert runbook_of("A", "https://docs.example.com/") == runbook_of("A", "https://docs.example.com")


def test_troubleshooting_names_commands_pages_alerts_and_tests_that_exist() -> None:
    page = FOLDER.parent / "troubleshooting.md"
    text = page.read_text()
    assert {command: message for command in commands(text) if (message := refusal(command))} == {}
    assert list(unknown_links(page)) == []
    assert set(re.findall(r"`(Payments\w+)`", text)) <= NAMES
    assert [path for path in re.findall(r"`(tests/[\w/]+\.py)`", text) if not (ROOT / path).is_file()] == []
    headings = {
        re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-") for title in re.findall("^### (.*)$", text, re.M)
    }
    assert set(re.findall(r"\]\(#([a-z-]+)\)", text)) == headings
    assert len(headings) == 8
