"""The shell commands of the documents, typed page by page on one stack; what they print is what the page shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from handbook import markdown
from handbook.console import ON_A_STACK, agrees, examples
from handbook.links import pages
from handbook.not_run import name, sql_not_run, to_run
from orchestration.alerts.runbooks import FOLDER
from spark_jobs.settings import JobSettings
from tests.docs import stage as stages
from tests.docs.reader import Reader, normal
from tests.docs.stage import Stage
from tests.docs.test_sql import resolved
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.long]

type Line = tuple[int, str, tuple[str, ...] | None]
"""Where it stands, the command, and what the page shows that it prints; None where it shows nothing."""

_EXITS_1 = {
    ("docs/your-own-events.md", "payments mapping diff contract payment_event.toml"),
    ("docs/settlement-reports.md", "payments build"),
}
"""The mappings differ, and the stack has none of the payments that the provider reports."""
_MAY_FAIL = {"payments doctor"}
"""Of a home that tests share, something may be wrong."""


def lines_of(page: Path) -> list[Line]:
    """Each command of a page that is to be typed on a stack, in order."""
    shown = [example for example in examples(page.read_text()) if example.runs == ON_A_STACK]
    found: list[Line] = [(each.line, each.command, None) for each in to_run(page)]
    found += [(each.line, step.command, step.printed) for each in shown for step in each.steps]
    return sorted(found, key=lambda line: line[0])


PAGES = [page for page in pages() if page.parent != FOLDER and lines_of(page)]


@pytest.fixture(scope="module")
def stage(stack: JobSettings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    world = World.make(stack, spark, tmp_path_factory.mktemp("documents"))
    yield stages.set_up(world)
    world.client.close()


def typed(page: Path, stage: Stage, folder: Path, environment: dict[str, str]) -> list[str]:
    """What a page says and this stack does not do, each with both."""
    reader = stages.prepared(page, stage, Reader.of(stage.world, folder, environment))
    faults = []
    for line, command, shown in lines_of(page):
        done = reader.type(command)
        is_done = done.code == int((name(page), command) in _EXITS_1) or command in _MAY_FAIL
        agree = shown is None or agrees(tuple(normal("\n".join(shown))), normal(done.text))
        if not (is_done and agree):
            faults.append(f"line {line}: $ {command}\n(exit {done.code})\n" + "\n".join(normal(done.text)))
    return faults


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_pages_commands_run_on_a_stack_and_print_what_it_shows(
    page: Path, stage: Stage, tmp_path: Path, environment: dict[str, str]
) -> None:
    faults = typed(page, stage, tmp_path, environment)
    assert not faults, "\n\n".join(faults)


def queries() -> Iterator[pytest.ParameterSet]:
    """Each SQL block that is run: all but those on the list."""
    for page in pages():
        left_out = {line for entry in sql_not_run() if entry.page == name(page) for line in entry.commands}
        for block in markdown.blocks(page.read_text()):
            if block.language == "sql" and block.lines[0] not in left_out:
                yield pytest.param("\n".join(block.lines), id=f"{name(page)}:{block.line}")


@pytest.mark.parametrize("sql", list(queries()))
def test_a_pages_query_runs_on_a_stack(sql: str, stage: Stage) -> None:
    settings = stage.world.settings
    ours = f"{settings.project}.{settings.dataset}"
    stage.world.client.query_and_wait(resolved(sql, ours).replace("`acme-payments.payment_data_eu.", f"`{ours}."))
