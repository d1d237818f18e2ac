"""The page of a group and the runbook of a failed check: links, to the dashboard where they have no other address."""

import dagster as dg
import pytest

from orchestration.alerts.catalog import ALERTS
from orchestration.links.documents import (
    DOCUMENTS,
    OTHERWISE,
    RUNBOOKS,
    document_of,
    runbook_for,
    runbook_of_alert,
)
from orchestration.settings import read_stack_settings

ADDRESS = {"PAYMENTS_ALERT_RUNBOOKS_URL": "https://git.example.com/payments/docs/runbooks/"}


def test_without_an_address_links_lead_to_the_dashboard_of_this_machine() -> None:
    assert document_of("fraud", {}) == dg.MetadataValue.url("http://127.0.0.1:3080/docs/fraud.md")
    found = runbook_for("fraud", {"PAYMENTS_DASHBOARD_PORT": "3999"})
    assert found == dg.MetadataValue.url("http://127.0.0.1:3999/docs/runbooks/PaymentsFraudScoresLate.md")


def test_the_port_of_those_links_is_the_dashboards_own_default() -> None:
    assert f":{read_stack_settings({}).dashboard_port}/" in str(document_of("fraud", {}).value)


def test_with_an_address_they_lead_there() -> None:
    assert document_of("fraud", ADDRESS) == dg.MetadataValue.url("https://git.example.com/payments/docs/fraud.md")
    found = runbook_for("reconciliation", ADDRESS)
    assert found == dg.MetadataValue.url("https://git.example.com/payments/docs/runbooks/PaymentsNotCountedOnce.md")
    assert str(runbook_of_alert("PaymentsLagHigh", ADDRESS).value).endswith("docs/runbooks/PaymentsLagHigh.md")


@pytest.mark.parametrize("name", [OTHERWISE, *RUNBOOKS.values()])
def test_every_runbook_is_that_of_an_alert(name: str) -> None:
    assert name in {alert.name for alert in ALERTS}


def test_every_group_with_a_runbook_of_its_own_is_a_group() -> None:
    assert set(RUNBOOKS) <= set(DOCUMENTS)
