"""The one list of alerts: rules, Grafana, notifications, runbooks and documents are made from it or held against it.

Belongs here: the alerts. Does not belong here: burn rates (promises), how a rule is written (alerts.files).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from spark_jobs.incidents import IncidentKind


class Severity(StrEnum):
    """A page wakes somebody. A ticket waits for the working day."""

    PAGE = "page"
    TICKET = "ticket"


WAREHOUSE = "the warehouse"
"""How the watch names the warehouse, in the place of a health metric, where it does not answer."""

RECENT_MINUTES = 15
"""How long an incident that a run mends by itself is told of."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. It goes by health rows that are FAILING, by open incidents, or by an expression.

    `health` are metrics of pipeline_health, `incidents` kinds that are open, `recent` kinds that occurred within
    RECENT_MINUTES. Those three are also what notifications go by. `expression` is Prometheus' alone. It has to be so
    for `minutes`.
    """

    name: str
    severity: Severity
    summary: str
    command: str
    minutes: int = 2
    health: tuple[str, ...] = ()
    incidents: tuple[IncidentKind, ...] = ()
    recent: tuple[IncidentKind, ...] = ()
    expression: str = ""

    @property
    def condition(self) -> str:
        """The expression of the rule."""
        parts = []
        if metrics := [metric for metric in self.health if metric != WAREHOUSE]:
            parts.append(f"payments_health_status{_one_of('metric', metrics)} == 3")
        if self.incidents:
            parts.append(f"payments_open_incidents{_one_of('kind', self.incidents)} > 0")
        if self.recent:
            kinds = _one_of("kind", self.recent)
            parts.append(f"time() - payments_last_incident_timestamp_seconds{kinds} < {60 * RECENT_MINUTES}")
        if self.expression:
            parts.append(self.expression)
        return " or ".join(parts)

    @property
    def is_notified(self) -> bool:
        """Whether notifications know of it without Prometheus."""
        return bool(self.health or self.incidents or self.recent)


def _one_of(label: str, values: Iterable[str]) -> str:
    listed = [str(value) for value in values]
    return f'{{{label}="{listed[0]}"}}' if len(listed) == 1 else f'{{{label}=~"{"|".join(listed)}"}}'


ALERTS = (
    Alert(
        "PaymentsNotCountedOnce",
        Severity.PAGE,
        "A reconciliation or a check of what is stored fails: a payment may be missing or counted twice.",
        "payments verify",
        health=("reconciliation_pct", "red_check_overdue_seconds"),
        expression="payments_counted_once == 0",
    ),
    Alert(
        "PaymentsDataLost",
        Severity.PAGE,
        "Records that were never published are gone from the topic, or the topic is another one.",
        "payments accept-gap",
        minutes=1,
        incidents=(IncidentKind.OFFSETS_LOST, IncidentKind.OFFSET_GAP, IncidentKind.TOPIC_RECREATED),
    ),
    Alert(
        "PaymentsTopicMissing",
        Severity.PAGE,
        "The topic does not exist.",
        "payments doctor",
        minutes=1,
        incidents=(IncidentKind.TOPIC_MISSING,),
    ),
    Alert(
        "PaymentsPublicationFailing",
        Severity.PAGE,
        "Runs stop with an incident, and nothing was published since.",
        "payments status",
        minutes=5,
        incidents=(
            IncidentKind.LOAD_FAILED,
            IncidentKind.QUOTA_EXCEEDED,
            IncidentKind.WAREHOUSE_FAILED,
            IncidentKind.DELTA_FAILED,
            IncidentKind.SCHEMA_VERSION,
            IncidentKind.SCHEMA_REGISTRY_FAILED,
            IncidentKind.TIMESTAMP_UNREADABLE,
        ),
    ),
    Alert(
        "PaymentsPublicationOverdue",
        Severity.PAGE,
        "Records wait in Kafka, and nothing is published.",
        "payments status",
        health=("publication_overdue_seconds", "open_transaction_overdue_seconds"),
    ),
    Alert(
        "PaymentsLagHigh",
        Severity.PAGE,
        "Kafka has held unpublished records for hours.",
        "payments query throughput",
        health=("checkpoint_lag_seconds",),
    ),
    Alert(
        "PaymentsLatencyHigh",
        Severity.TICKET,
        "Payments take minutes to the warehouse.",
        "payments query latency",
        minutes=10,
        health=("event_to_warehouse_latency_p95_seconds",),
    ),
    Alert(
        "PaymentsBuildOverdue",
        Severity.TICKET,
        "Published payments are not in the marts: dbt's build is late or fails.",
        "payments build",
        minutes=5,
        health=("build_overdue_seconds", "event_to_reconciliation_p95_seconds"),
    ),
    Alert(
        "PaymentsFraudScoresLate",
        Severity.TICKET,
        "Payments wait too long for their fraud score.",
        "payments build",
        minutes=5,
        health=("event_to_fraud_score_p95_seconds",),
    ),
    Alert(
        "PaymentsBrokerDown",
        Severity.PAGE,
        "Kafka does not answer.",
        "payments status",
        minutes=3,
        health=("broker_overdue_seconds",),
        expression='payments_part_up{part="Kafka"} == 0',
    ),
    Alert(
        "PaymentsWarehouseDown",
        Severity.PAGE,
        "The warehouse does not answer.",
        "payments status",
        minutes=5,
        health=(WAREHOUSE,),
        expression='payments_part_up{part="warehouse"} == 0',
    ),
    Alert(
        "PaymentsSensorSilent",
        Severity.PAGE,
        "A sensor does not tick: nothing starts a run or a build.",
        "payments status",
        health=("sensor_overdue_seconds",),
    ),
    Alert(
        "PaymentsWatchSilent",
        Severity.PAGE,
        "Nobody looks at the pipeline: its health is not known.",
        "payments status",
        health=("observation_overdue_seconds",),
    ),
    Alert(
        "PaymentsMetricsMissing",
        Severity.PAGE,
        "The dashboard gives no metrics, or old ones: no other alert can fire.",
        "payments status",
        minutes=5,
        expression="absent(payments_snapshot_timestamp_seconds) or time() - payments_snapshot_timestamp_seconds > 600",
    ),
    Alert(
        "PaymentsStateGrowing",
        Severity.TICKET,
        "The deduplication state is too large, or will be within a day.",
        "payments query state-growth",
        minutes=30,
        health=("state_size_mb",),
        expression="predict_linear(payments_state_bytes[6h], 86400) > 1.6e9 and payments_state_bytes > 4e8",
    ),
    Alert(
        "PaymentsDuplicatesHigh",
        Severity.TICKET,
        "More than 10 % of the records are duplicates.",
        "payments query deduplication",
        minutes=10,
        health=("duplicate_rate_pct",),
    ),
    Alert(
        "PaymentsQuarantineHigh",
        Severity.TICKET,
        "More than 5 % of the records break the contract.",
        "payments replay --help",
        minutes=10,
        expression='payments_records_last_day{disposition="QUARANTINED"} '
        "> ignoring(disposition) 0.05 * sum without(disposition) (payments_records_last_day)",
    ),
    Alert(
        "PaymentsConflictsUndecided",
        Severity.TICKET,
        "A payment has several payloads, and nobody has decided which one counts.",
        "payments resolve",
        minutes=60,
        expression="payments_undecided_conflicts > 0",
    ),
    Alert(
        "PaymentsCheckpointRebuilt",
        Severity.TICKET,
        "A checkpoint was lost or damaged; a run has rebuilt it from the warehouse.",
        "payments status",
        minutes=0,
        recent=(IncidentKind.CHECKPOINT_UNUSABLE,),
    ),
)
"""Those of the pipeline; the burning of the two budgets is in promises."""


def alert_for_metric(metric: str) -> Alert | None:
    """The alert that goes by a health metric."""
    return next((alert for alert in ALERTS if metric in alert.health), None)


def alert_for_incident(kind: str) -> Alert | None:
    """The alert that goes by a kind of incident; None for one that needs nobody, or of a newer version."""
    return next((alert for alert in ALERTS if kind in (*alert.incidents, *alert.recent)), None)


def documented() -> str:
    """The table of docs/alerts.md."""
    rows = [f"| `{a.name}` | {a.severity} | {a.summary} | {_goes_by(a)} | {a.minutes} min |" for a in ALERTS]
    return "\n".join(["| alert | severity | what it says | goes by | for |", "|---|---|---|---|---|", *rows]) + "\n"


def _goes_by(alert: Alert) -> str:
    named = [f"`{name}`" for name in (*alert.health, *alert.incidents, *alert.recent)]
    return ", ".join([*named, *(["metrics"] if alert.expression else [])])
