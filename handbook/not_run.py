"""Commands in the documents that no test of the documents runs, with reasons.

Belongs here: reading the list, and holding it against the pages. Does not belong here: running commands (tests), the
examples with their output (console). What the list does not name is run: a new command in a page has to work.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handbook.console import Typed, typed
from handbook.links import ROOT, pages

DRILL = "drill: "
"""Stands above a block that a drill runs by its name."""


@dataclass(frozen=True)
class Entry:
    """Commands of one page, as they stand there, and why they are not run.

    `by` is the test that runs them, or the same with other values, in another place; "" for none.
    """

    page: str
    commands: tuple[str, ...]
    reason: str
    by: str = ""


@cache
def not_run() -> tuple[Entry, ...]:
    """Those that are not run as they stand."""
    return _entries("not_run")


@cache
def sql_not_run() -> tuple[Entry, ...]:
    """SQL statements, by their first line, that are resolved by Google's analyzer and run nowhere."""
    return _entries("sql_not_run")


def _entries(kind: str) -> tuple[Entry, ...]:
    text = (Path(__file__).parent / "not_run.toml").read_text(encoding="utf-8")
    return tuple(Entry(**{**entry, "commands": tuple(entry["commands"])}) for entry in tomllib.loads(text)[kind])


def name(page: Path) -> str:
    """A page as the list calls it."""
    return page.relative_to(ROOT).as_posix()


def to_run(page: Path) -> list[Typed]:
    """The commands of a page that a test has to run, in order; those of a drill are run there."""
    left_out = {command for entry in not_run() if entry.page == name(page) for command in entry.commands}
    every = typed(page.read_text(encoding="utf-8"))
    return [each for each in every if each.command not in left_out and not each.above.startswith(DRILL)]


def drills() -> dict[str, set[str]]:
    """The names of the drills of each page that has some."""
    found = {name(page): _drills(page) for page in pages()}
    return {page: names for page, names in found.items() if names}


def drill(page: str, name: str) -> list[str]:
    """The commands of a drill."""
    every = typed((ROOT / page).read_text(encoding="utf-8"))
    return [each.command for each in every if each.above == f"{DRILL}{name}"]


def _drills(page: Path) -> set[str]:
    every = typed(page.read_text(encoding="utf-8"))
    return {each.above.removeprefix(DRILL) for each in every if each.above.startswith(DRILL)}


def gone(entry: Entry) -> list[str]:
    """What an entry names that there is no longer: its page, its commands, its test."""
    page = ROOT / entry.page
    if not page.is_file():
        return [entry.page]
    has = {each.command for each in typed(page.read_text(encoding="utf-8"))}
    test = [entry.by] if entry.by and not (ROOT / entry.by).is_file() else []
    return [*(command for command in entry.commands if command not in has), *test]
