"""The rooms are as they are drawn; and each rule is broken once on a copy of the tree, to show that it can fail."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.architecture import rooms
from tests.architecture.arrows import ARROWS
from tests.architecture.sources import ROOT

type Rule = Callable[[Path], list[str]]
type Mutation = Callable[[Path], object]

NOT_DRAWN = partial(rooms.arrows_not_drawn, drawn=ARROWS)
NOT_USED = partial(rooms.arrows_without_an_import, drawn=ARROWS)


def add(file: str, text: str) -> Mutation:
    """Put text at the end of a file, which is made where it is missing."""

    def mutate(tree: Path) -> None:
        path = tree / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text() if path.exists() else '"""New."""\n') + text)

    return mutate


def move(old: str, new: str) -> Mutation:
    """Move a file."""
    return lambda tree: (tree / old).rename(tree / new)


def fill(package: str) -> Mutation:
    """Put more modules into a package than a room may have."""

    def mutate(tree: Path) -> None:
        for number in range(rooms.MAX_MODULES + 1):
            add(f"{package}/module_{number}.py", "")(tree)

    return mutate


def without(file: str, pattern: str) -> Mutation:
    """Take the lines out that match."""

    def mutate(tree: Path) -> None:
        path = tree / file
        path.write_text("\n".join(line for line in path.read_text().splitlines() if not re.search(pattern, line)))

    return mutate


INSIDE = "\ndef later() -> None:\n    "

BROKEN: list[tuple[str, Rule, Mutation, str]] = [
    (
        "two files import each other, one of them inside a function",
        rooms.circles_among_files,
        add("spark_jobs/streaming/locations.py", f"{INSIDE}from spark_jobs.streaming.plan import gather\n"),
        "spark_jobs.streaming.locations <-> spark_jobs.streaming.plan",
    ),
    (
        "two packages import each other, inside a function",
        rooms.circles_among_rooms,
        add("spark_jobs/contract/times.py", f"{INSIDE}from spark_jobs.tables.columns import Column\n"),
        "spark_jobs: contract <-> tables",
    ),
    (
        "a package imports one that is not below it",
        NOT_DRAWN,
        add("spark_jobs/publishing/control.py", f"{INSIDE}from spark_jobs.sinks.open_store import open_store\n"),
        "spark_jobs: publishing -> sinks",
    ),
    (
        "an arrow is drawn that nobody needs",
        NOT_USED,
        without("simulator/__main__.py", r"simulator\.config"),
        "simulator: __main__ -> config",
    ),
    ("a package has too many modules", rooms.rooms_too_large, fill("simulator/faults"), "simulator/faults: "),
    (
        "a package does not say what belongs there",
        rooms.rooms_without_a_door,
        without("spark_jobs/source/__init__.py", "elong"),
        "spark_jobs/source",
    ),
    (
        "a package has no docstring at all",
        rooms.rooms_without_a_door,
        add("simulator/new_room/module.py", ""),
        "simulator/new_room",
    ),
    (
        "a module is called as one of a package that it imports",
        rooms.names_twice,
        add("simulator/sending/people.py", "from simulator.population.people import populate\n"),
        "simulator: sending.people and population.people",
    ),
    (
        "a docstring names a file",
        rooms.docstrings_that_name_files,
        add("simulator/config.py", f'{INSIDE}"""As in plan.py."""\n'),
        "simulator.config: plan.py",
    ),
    (
        "a file is too long",
        rooms.files_too_long,
        add("simulator/config.py", "# line\n" * rooms.MAX_FILE_LINES),
        "simulator.config: ",
    ),
    (
        "unit tests lie where no module is",
        rooms.unit_tests_without_a_module,
        move("tests/unit/simulator/test_config.py", "tests/unit/simulator/test_settings.py"),
        "tests/unit/simulator/test_settings.py",
    ),
]
RULES = {id(rule): rule for _, rule, _, _ in BROKEN}.values()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: getattr(rule, "func", rule).__name__)
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.mark.parametrize(
    ("rule", "mutation", "finding"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_the_rule_is_broken_where(rule: Rule, mutation: Mutation, finding: str, tmp_path: Path) -> None:
    for house in (*rooms.HOUSES, "tests/unit"):
        shutil.copytree(ROOT / house, tmp_path / house, ignore=shutil.ignore_patterns("__pycache__"))
    mutation(tmp_path)
    assert any(finding in found for found in rule(tmp_path)), rule(tmp_path)


def test_a_circle_of_three_is_found_and_a_diamond_is_none() -> None:
    assert rooms.circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
    diamond = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set[str]()}
    assert rooms.circles(diamond) == []
    assert rooms.floors(diamond) == 3
