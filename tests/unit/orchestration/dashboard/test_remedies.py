import subprocess
import sys

import pytest

from orchestration.dashboard.remedies import BY_INCIDENT, BY_METRIC, command_for, open_incidents
from spark_jobs.incidents import IncidentKind
from tests.unit.orchestration.dashboard.sample import limits


def incident(kind: str, at: str, settled_at: str | None = None) -> dict[str, str | None]:
    return {"kind": kind, "detail": "...", "occurred_at": at, "settled_at": settled_at}


def test_every_kind_of_incident_and_every_health_metric_has_a_command() -> None:
    assert set(BY_INCIDENT) == set(IncidentKind)
    assert set(BY_METRIC) == {row["metric"] for row in limits()}


def test_every_command_is_one_of_ours() -> None:
    message = subprocess.run(
        [sys.executable, "-m", "orchestration.cli.app", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in {*BY_INCIDENT.values(), *BY_METRIC.values()}:
        assert f" {command.split()[1]} " in message


def found(settled_at: str | None) -> list[dict[str, str | None]]:
    return [
        incident("OFFSETS_LOST", "2026-01-01T10:00:00Z", settled_at),
        incident("LOAD_FAILED", "2026-01-01T12:00:00Z", settled_at),
        incident("LOAD_FAILED", "2026-01-01T11:30:00Z", settled_at),
    ]


def test_an_incident_is_open_until_something_is_published_and_of_a_kind_the_newest_counts() -> None:
    assert [(row["kind"], row["occurred_at"]) for row in open_incidents(found("2026-01-01T11:00:00Z"))] == [
        ("LOAD_FAILED", "2026-01-01T12:00:00Z")
    ]
    assert [row["command"] for row in open_incidents(found(None))] == ["payments accept-gap", "payments process"]
    assert open_incidents(found("2026-01-01T13:00:00Z")) == []


def test_an_open_incident_names_the_alert_whose_runbook_tells_of_it() -> None:
    assert [row["alert"] for row in open_incidents(found(None))] == ["PaymentsDataLost", "PaymentsPublicationFailing"]
    assert open_incidents([incident("NEVER_HEARD_OF", "2026-01-01T10:00:00Z")])[0]["alert"] == ""


@pytest.mark.parametrize("kind", ["CHECKPOINT_UNUSABLE", "FENCED"])
def test_what_a_run_mends_by_itself_is_never_open(kind: str) -> None:
    assert open_incidents([incident(kind, "2026-01-01T12:00:00Z")]) == []


def test_an_incident_of_a_newer_version_has_a_command_too() -> None:
    assert command_for("NEVER_HEARD_OF") == "payments doctor"
