"""The page of a group and the runbook of a failed check: a path here, a link where they have an address."""

import dagster as dg
import pytest

from orchestration.alerts.catalog import ALERTS
from orchestration.assets.documents import DOCUMENTS, OTHERWISE, RUNBOOKS, document_of, runbook_for

ADDRESS = {"PAYMENTS_ALERT_RUNBOOKS_URL": "https://git.example.com/payments/docs/runbooks/"}


def test_without_an_address_pages_are_paths_in_the_repository() -> None:
    assert document_of("fraud", {}) == dg.MetadataValue.text("docs/scenarios.md")
    assert runbook_for("fraud", {}) == dg.MetadataValue.text("docs/runbooks/PaymentsFraudScoresLate.md")


def test_with_an_address_they_are_links() -> None:
    assert document_of("fraud", ADDRESS) == dg.MetadataValue.url("https://git.example.com/payments/docs/scenarios.md")
    found = runbook_for("reconciliation", ADDRESS)
    assert found == dg.MetadataValue.url("https://git.example.com/payments/docs/runbooks/PaymentsNotCountedOnce.md")


@pytest.mark.parametrize("name", [OTHERWISE, *RUNBOOKS.values()])
def test_every_runbook_is_that_of_an_alert(name: str) -> None:
    assert name in {alert.name for alert in ALERTS}


def test_every_group_with_a_runbook_of_its_own_is_a_group() -> None:
    assert set(RUNBOOKS) <= set(DOCUMENTS)
