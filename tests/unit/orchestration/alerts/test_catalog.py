"""The list of alerts against what they go by."""

import re

from orchestration.alerts.catalog import ALERTS, WAREHOUSE, Severity, alert_for_incident, alert_for_metric
from orchestration.alerts.promises import EVERY_ALERT, LATE
from orchestration.dashboard.metrics import METRICS
from orchestration.dashboard.remedies import NEVER_OPEN
from spark_jobs.incidents import IncidentKind
from tests.unit.orchestration.dashboard.sample import limits

MENDED_BY_ANOTHER_RUN = {IncidentKind.FENCED}


def test_every_health_metric_has_exactly_one_alert() -> None:
    metrics = {row["metric"] for row in limits()}
    gone_by = [metric for alert in ALERTS for metric in alert.health]
    assert sorted(gone_by) == sorted({*metrics, WAREHOUSE})
    assert {*LATE} < metrics
    assert all(alert_for_metric(metric) for metric in metrics)


def test_every_kind_of_incident_has_exactly_one_alert_but_the_one_that_another_run_mends() -> None:
    gone_by = [kind for alert in ALERTS for kind in (*alert.incidents, *alert.recent)]
    assert sorted(gone_by) == sorted({*IncidentKind} - MENDED_BY_ANOTHER_RUN)
    assert alert_for_incident("FENCED") is None


def test_what_is_never_open_is_gone_by_as_recent_alone() -> None:
    assert not [kind for alert in ALERTS for kind in alert.incidents if kind in NEVER_OPEN]


def test_expressions_name_metrics_that_exist() -> None:
    known = {metric.name for metric in METRICS} | {"payments:promise_broken"}
    for alert in EVERY_ALERT:
        named = set(re.findall(r"payments[a-z_:]*(?<!:)(?=[{\[ )]|$)", re.sub(r":avg\w+", "", alert.condition)))
        assert named, alert.name
        assert named <= known, alert.name


def test_names_are_in_camel_case_and_unique() -> None:
    names = [alert.name for alert in EVERY_ALERT]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"Payments([A-Z][a-z]+)+", name) for name in names)


def test_what_pages_is_about_money_or_about_nothing_coming_in() -> None:
    tickets = {alert.name for alert in ALERTS if alert.severity is Severity.TICKET}
    assert tickets == {
        "PaymentsLatencyHigh",
        "PaymentsBuildOverdue",
        "PaymentsFraudScoresLate",
        "PaymentsStateGrowing",
        "PaymentsDuplicatesHigh",
        "PaymentsQuarantineHigh",
        "PaymentsConflictsUndecided",
        "PaymentsCheckpointRebuilt",
    }
