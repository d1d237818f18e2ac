"""The documents' examples that need no stack, run as they stand."""

import os
import sys
from pathlib import Path

import pytest

from handbook.console import AFTER_THE_STEPS, ON_A_STACK, Example, examples, run
from handbook.links import ROOT, pages

_OURS = ("BIGQUERY_", "CHECKPOINT_", "DAGSTER_", "DBT_", "KAFKA_", "PAYMENTS_", "STAGING_")
EXAMPLES = {
    page.relative_to(ROOT).as_posix(): [example for example in examples(page.read_text()) if not example.runs]
    for page in pages()
}
PURE = {page: shown for page, shown in EXAMPLES.items() if any(example.steps for example in shown)}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A reader's, with a home of its own and a screen of 100 columns."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    (tmp_path / "home").mkdir()
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PAYMENTS_HOME": str(tmp_path / "home"),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }


@pytest.mark.thorough
@pytest.mark.parametrize("shown", PURE.values(), ids=PURE.keys())
def test_a_page_shows_what_its_commands_print(
    shown: list[Example], tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    faults = [fault for example in shown for fault in run(example, folder, environment)]
    assert not faults, "\n\n".join(faults)


def test_no_example_waits_for_a_stack_that_no_test_gives_it() -> None:
    every = {example.runs for page in pages() for example in examples(page.read_text())}
    assert every <= {"", ON_A_STACK, AFTER_THE_STEPS}


def test_there_are_examples() -> None:
    assert "docs/tutorial.md" in PURE
