"""Each runbook's commands, typed on a stack on which the cause of its alert is present."""

import re
from pathlib import Path

import pytest

from handbook.not_run import to_run
from orchestration.alerts.runbooks import FOLDER
from tests.docs.causes import CAUSES, Cause
from tests.docs.reader import Printed, Reader
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.long]


def page_of(alert: str) -> Path:
    return FOLDER / f"{alert}.md"


def steps(alert: str) -> tuple[list[str], list[str]]:
    """The commands under Diagnosis, and those under Mitigation."""
    page = page_of(alert)
    begins = page.read_text().splitlines().index("## Mitigation") + 1
    every = to_run(page)
    before = [each.command for each in every if each.line < begins]
    return before, [each.command for each in every if each.line > begins]


def follow(alert: str, cause: Cause, world: World, reader: Reader) -> None:
    """Cause it, diagnose it, mend it, by the page."""
    cause.make(world, reader)
    if cause.fires:
        assert alert in cause.fires(world), "the alert does not fire on its cause"
    diagnosis, mitigation = steps(alert)
    seen = [typed(command, cause, reader) for command in diagnosis]
    printed = "\n".join(each.text for each in seen)
    assert [text for text in cause.shows if text not in printed] == [], printed
    failed = {command for command, each in zip(diagnosis, seen, strict=True) if each.code}
    assert failed >= set(cause.fails) & set(diagnosis) - {"payments doctor"}, "nothing is wrong by its exit code"
    for command in mitigation:
        done = reader.type(command)
        assert done.code == 0 or command == "payments doctor", f"$ {command}\n{done.text}"
    if cause.fires and cause.ends:
        world.drain()
        assert alert not in cause.fires(world), "the alert still fires"


def typed(command: str, cause: Cause, reader: Reader) -> Printed:
    done = reader.type(command)
    assert done.code == 0 or command in cause.fails, f"$ {command}\n{done.text}"
    assert not re.search("Traceback", done.text), done.text
    return done


@pytest.mark.parametrize("alert", CAUSES)
def test_a_runbooks_commands_show_the_cause_and_mend_it(
    alert: str, world: World, tmp_path: Path, environment: dict[str, str]
) -> None:
    follow(alert, CAUSES[alert], world, Reader.of(world, tmp_path, environment))
