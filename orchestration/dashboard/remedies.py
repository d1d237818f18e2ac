"""What to do about what is not well: a command for each kind of incident and each health metric.

Belongs here: the commands, and which incidents are open. Does not belong here: running them (cli), what is a kind
(spark_jobs.incidents).
"""

from collections.abc import Sequence

from orchestration.alerts.catalog import alert_for_incident, alert_for_metric
from orchestration.alerts.runbooks import runbook_of
from orchestration.dashboard.model import Row
from spark_jobs.incidents import IncidentKind

BY_INCIDENT = {
    IncidentKind.FENCED: "payments status",
    IncidentKind.OFFSETS_LOST: "payments accept-gap",
    IncidentKind.TOPIC_RECREATED: "payments doctor",
    IncidentKind.TOPIC_MISSING: "payments doctor",
    IncidentKind.OFFSET_GAP: "payments verify",
    IncidentKind.CHECKPOINT_UNUSABLE: "payments status",
    IncidentKind.LOAD_FAILED: "payments process",
    IncidentKind.QUOTA_EXCEEDED: "payments process",
    IncidentKind.WAREHOUSE_FAILED: "payments process",
    IncidentKind.DELTA_FAILED: "payments process",
    IncidentKind.SCHEMA_VERSION: "payments migrate --dry-run",
    IncidentKind.SCHEMA_REGISTRY_FAILED: "payments process",
    IncidentKind.TIMESTAMP_UNREADABLE: "payments status",
}
"""The command that resolves it, or shows what is to be decided."""

BY_METRIC = {
    "state_size_mb": "payments query state-growth",
    "duplicate_rate_pct": "payments query deduplication",
    "reconciliation_pct": "payments verify",
    "event_to_warehouse_latency_p95_seconds": "payments query latency",
    "checkpoint_lag_seconds": "payments process",
    "event_to_fraud_score_p95_seconds": "payments build",
    "event_to_reconciliation_p95_seconds": "payments build",
    "publication_overdue_seconds": "payments process",
    "open_transaction_overdue_seconds": "payments doctor",
    "build_overdue_seconds": "payments build",
    "red_check_overdue_seconds": "payments verify",
    "broker_overdue_seconds": "payments up",
    "sensor_overdue_seconds": "payments up",
    "observation_overdue_seconds": "payments up",
}
"""Where to look, or what to start."""

NEVER_OPEN = (IncidentKind.CHECKPOINT_UNUSABLE, IncidentKind.FENCED)
"""A run mends the first by itself; after the second another run goes on."""


def open_incidents(incidents: Sequence[Row]) -> list[Row]:
    """Incidents that nothing has settled, each with its command and its alert; of a kind only the newest.

    `settled_at` of a row is when a batch was published after it, or the loss that it tells of was accepted.
    """
    found: dict[str, Row] = {}
    for row in sorted(incidents, key=lambda row: str(row["occurred_at"])):
        is_past = row["occurred_at"] <= (row.get("settled_at") or "")
        if not is_past and row["kind"] not in NEVER_OPEN:
            alert = alert_for_incident(row["kind"])
            found[row["kind"]] = {**row, "command": command_for(row["kind"]), "alert": alert.name if alert else ""}
    return list(found.values())


def findings(incidents: Sequence[Row], health: Sequence[Row]) -> list[tuple[str, str]]:
    """What `payments doctor` says of open incidents and of health that is FAILING, each with its runbook."""
    found = [("incident", f"{row['detail']}{_runbook(row['alert'])}") for row in open_incidents(incidents)]
    for row in health:
        if row["status"] == "FAILING":
            alert = alert_for_metric(row["metric"])
            message = f"{row['metric']} is {row['value']}, target {row['target']}"
            found.append(("health", f"{message}{_runbook(alert.name if alert else '')}"))
    return found


def _runbook(alert: str) -> str:
    return f" (runbook: {runbook_of(alert)})" if alert else ""


def command_for(kind: str) -> str:
    """The command for an incident of that kind; a kind of a newer version is looked up by the doctor."""
    return next((command for known, command in BY_INCIDENT.items() if known == kind), "payments doctor")
