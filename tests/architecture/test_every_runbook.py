"""Every alert's runbook is followed by a test, and what of a runbook is not is named with its reason."""

import tomllib

import pytest

from handbook.links import ROOT
from handbook.not_run import not_run
from orchestration.alerts.promises import EVERY_ALERT
from orchestration.alerts.runbooks import FOLDER
from tests.docs.causes import CAUSES
from tests.docs.test_runbooks_of_the_platform import STEPS

NOT_CAUSED = tomllib.loads((ROOT / "tests/docs/not_caused.toml").read_text())["not_caused"]


def test_every_alert_is_caused_and_its_runbook_followed() -> None:
    assert {alert.name for alert in EVERY_ALERT} == CAUSES.keys() | STEPS.keys()
    assert not CAUSES.keys() & STEPS.keys()


@pytest.mark.parametrize("entry", NOT_CAUSED, ids=lambda entry: f"{entry['runbook']}: {entry['words']}")
def test_what_is_not_caused_here_stands_in_the_runbook_and_has_a_reason(entry: dict[str, str]) -> None:
    text = " ".join((FOLDER / f"{entry['runbook']}.md").read_text().split())
    assert entry["words"] in text
    assert entry["reason"]
    assert (ROOT / entry.get("by", "tests")).exists()


def test_of_a_runbook_few_commands_are_left_out() -> None:
    left_out = {entry.page: entry.commands for entry in not_run() if "/runbooks/" in entry.page}
    assert set(left_out) <= {
        "docs/runbooks/PaymentsBuildOverdue.md",
        "docs/runbooks/PaymentsTopicMissing.md",
    }
