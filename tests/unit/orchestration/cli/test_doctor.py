"""What doctor finds of the disk and of alerts; the rest is in the tests of the command."""

import pytest
from google.api_core.exceptions import Forbidden, NotFound

from orchestration.cli.doctor import alerts, disk, topic
from orchestration.dashboard import gathering, statements
from orchestration.dashboard.model import Section
from orchestration.platform.disk_usage import GIB
from orchestration.settings import StackSettings, read_stack_settings

SETTINGS = read_stack_settings({"BIGQUERY_PROJECT": "acme-payments", "STAGING_LOCATION": "gs://acme/staging"})
INCIDENT = {
    "incident_id": "i",
    "kind": "OFFSETS_LOST",
    "detail": "OFFSETS_LOST: 0: 12 to 15",
    "occurred_at": "2026-01-05T12:06:00Z",
    "settled_at": None,
}


def health(status: str) -> dict[str, str]:
    return {"metric": "build_overdue_seconds", "value": "60", "target": "0", "status": status}


def found(
    monkeypatch: pytest.MonkeyPatch, status: str, *incidents: dict[str, str | None]
) -> list[tuple[str, str, str]]:
    """What doctor says where the warehouse has these rows."""

    def ask(_settings: StackSettings, name: str) -> Section:
        rows = (health(status),) if name == statements.HEALTH else incidents
        return Section(rows, "2026-01-05T12:07:00Z")

    monkeypatch.setattr(gathering, "ask_one", ask)
    return list(alerts(SETTINGS))


def test_a_cluster_of_somebody_elses_that_does_not_let_us_in_is_a_failure_with_its_cause() -> None:
    settings = read_stack_settings({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1,127.0.0.1:2"})
    [(what, state, message)] = topic(settings)
    assert (what, state) == ("Kafka", "FAIL")
    assert "did not answer" in message
    assert "mend KAFKA_BOOTSTRAP_SERVERS" in message
    own = read_stack_settings({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert list(topic(own)) == [], "our own broker is not up before the first `payments up`"


def test_what_fails_is_named_with_its_runbook(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, "FAILING", INCIDENT) == [
        ("incident", "WARN", "OFFSETS_LOST: 0: 12 to 15 (runbook: docs/runbooks/PaymentsDataLost.md)"),
        (
            "health",
            "WARN",
            "build_overdue_seconds is 60, target 0 (runbook: docs/runbooks/PaymentsBuildOverdue.md)",
        ),
    ]


def test_where_all_is_well_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, "DEGRADED") == [("health", "OK", "nothing is FAILING, no incident is open")]


def test_a_warehouse_that_does_not_let_us_in_is_a_failure_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_settings: StackSettings, _name: str) -> Section:
        raise Forbidden("the account may not list the dataset\nin so many words")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(gathering, "ask_one", ask)
    [(what, state, message)] = alerts(SETTINGS)
    assert (what, state) == ("warehouse", "FAIL")
    assert message == "the account may not list the dataset (runbook: docs/runbooks/PaymentsWarehouseDown.md)"


@pytest.mark.parametrize("unread", [statements.HEALTH, statements.INCIDENTS])
def test_what_cannot_be_read_is_a_warning_and_never_called_well(monkeypatch: pytest.MonkeyPatch, unread: str) -> None:
    def ask(_settings: StackSettings, name: str) -> Section:
        trouble = f"The section {name} could not be read: denied"
        return Section(trouble=trouble) if name == unread else Section((), "2026-01-05T12:07:00Z")

    monkeypatch.setattr(gathering, "ask_one", ask)
    assert list(alerts(SETTINGS)) == [("health", "WARN", f"The section {unread} could not be read: denied")]


def test_a_dataset_that_is_not_there_yet_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_settings: StackSettings, _name: str) -> Section:
        raise NotFound("no dataset")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(gathering, "ask_one", ask)
    assert list(alerts(SETTINGS)) == []


def test_a_disk_with_room_is_well_a_small_rest_warns_and_none_fails() -> None:
    assert disk(50 * GIB, 100 * GIB) == ("disk", "OK", "50.0 GiB free of 100.0 GiB")
    assert disk(4 * GIB, 100 * GIB)[1] == "WARN"
    assert disk(1 * GIB, 100 * GIB)[1] == "FAIL"
