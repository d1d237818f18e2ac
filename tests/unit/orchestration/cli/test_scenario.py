"""What a scenario tells and proves, without a stack."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from typer.testing import CliRunner

from orchestration.cli import scenario
from orchestration.cli.app import app
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.scenarios.registry import SCENARIOS, summary_of


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command, with a stack that is none."""

    @contextmanager
    def no_stack(_story: Transcript) -> Iterator[Sandbox]:
        yield cast(Sandbox, None)

    monkeypatch.setattr(scenario, "own_sandbox", no_stack)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return CliRunner()


def agrees(_corner: Sandbox, transcript: Transcript) -> None:
    """Shows nothing."""
    transcript.say("a line")
    transcript.claim("one is one", 1, 1)


def differs(_corner: Sandbox, transcript: Transcript) -> None:
    transcript.claim("one is one", 1, 1)
    transcript.claim("one is two", 2, 1)


def test_every_scenario_says_in_one_line_what_it_shows() -> None:
    assert all(summary_of(run) for run in SCENARIOS.values())


def test_without_a_name_the_scenarios_are_listed(runner: CliRunner) -> None:
    assert set(json.loads(runner.invoke(app, ["scenario", "--json"]).stdout)) == set(SCENARIOS)
    listed = runner.invoke(app, ["scenario"]).stdout
    assert all(name in listed for name in SCENARIOS)


def test_a_scenario_that_is_proved_says_so(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCENARIOS, "agrees", agrees)
    done = runner.invoke(app, ["scenario", "agrees"])
    assert done.exit_code == 0
    assert "Proved: Shows nothing." in done.stdout
    given = json.loads(runner.invoke(app, ["scenario", "agrees", "--json"]).stdout)
    assert given["ok"]
    assert given["lines"][0] == "a line"


def test_a_scenario_that_is_not_proved_fails_with_the_claim(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SCENARIOS, "differs", differs)
    done = runner.invoke(app, ["scenario", "differs"])
    assert done.exit_code == 1
    assert str(done.exception) == "differs is not proved: one is two: expected 2, found 1"


def test_a_scenario_that_nobody_knows_is_named_with_those_there_are(runner: CliRunner) -> None:
    done = runner.invoke(app, ["scenario", "nothing"])
    assert "There is no scenario 'nothing': it is one of out-of-order" in str(done.exception)


def test_a_story_without_a_claim_proves_nothing() -> None:
    transcript = Transcript(is_silent=True)
    assert not transcript.is_proved
    assert transcript.failure() == "nothing was claimed"
