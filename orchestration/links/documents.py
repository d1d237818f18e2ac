"""What Dagster's UI says of every asset beside its own description: its page, its runbook, and how old it may be.

Belongs here: what goes by the group of an asset. Does not belong here: the pages (docs).
"""

import os
from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from orchestration.alerts.runbooks import runbook_of
from orchestration.names import DAY_SEALS

DEFAULT_DASHBOARD_PORT = "3080"
DOCUMENTS = {
    "kafka": "connecting.md",
    "streaming": "exactly-once.md",
    "staging": "exactly-once.md",
    "intermediate": "implementation-guide.md",
    "fraud": "fraud.md",
    "metrics": "dashboard.md",
    "health": "metrics.md",
    "audit": "sealed-days.md",
    "reconciliation": "reliability.md",
    "returns": "your-own-events.md",
    "reference": "implementation-guide.md",
    "senders": "settlement-reports.md",
    "decisions": "operations.md",
}
"""By the group of the assets. Every group has one."""

OTHERWISE = "PaymentsNotCountedOnce"
RUNBOOKS = {
    "kafka": "PaymentsBrokerDown",
    "fraud": "PaymentsFraudScoresLate",
    "health": "PaymentsLatencyHigh",
}
"""By the group of the asset whose check failed; of all others it is OTHERWISE."""

EVERY_NIGHT = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
"""Of what only the night makes, whether or not anything came. All else follows what comes: an idle topic is not late,
and pipeline_health says what is."""
NIGHTLY = ("returns",)

type Page = dg.UrlMetadataValue


def explained(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The spec with what goes by its group."""
    group = spec.group_name or ""
    if group not in DOCUMENTS:
        return spec
    is_nightly = group in NIGHTLY or spec.key == DAY_SEALS
    linked = spec.merge_attributes(metadata={"document": document_of(group)})
    return linked.replace_attributes(freshness_policy=EVERY_NIGHT) if is_nightly else linked


def document_of(group: str, env: Mapping[str, str] | None = None) -> Page:
    """The page that explains a group."""
    return dg.MetadataValue.url(f"{_runbooks(env).removesuffix('/runbooks')}/{DOCUMENTS[group]}")


def runbook_for(group: str, env: Mapping[str, str] | None = None) -> Page:
    """What to do when a check of an asset of the group fails."""
    return runbook_of_alert(RUNBOOKS.get(group, OTHERWISE), env)


def runbook_of_alert(name: str, env: Mapping[str, str] | None = None) -> Page:
    """What to do when that alert fires."""
    return dg.MetadataValue.url(runbook_of(name, _runbooks(env)))


def _runbooks(env: Mapping[str, str] | None) -> str:
    """Where the runbooks are: as a setting says, else where the dashboard of this machine serves them."""
    env = os.environ if env is None else env
    port = env.get("PAYMENTS_DASHBOARD_PORT") or DEFAULT_DASHBOARD_PORT
    address = (env.get("PAYMENTS_ALERT_RUNBOOKS_URL") or "").rstrip("/")
    return address or f"http://127.0.0.1:{port}/docs/runbooks"
