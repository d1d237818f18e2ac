"""The rules in Prometheus' own hands: each alert fires where it should, and not where it should not."""

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from orchestration.alerts.catalog import ALERTS, RECENT_MINUTES, WAREHOUSE, Alert
from orchestration.alerts.files.rules_file import rules
from orchestration.alerts.promises import BURN_MINUTES, EVERY_ALERT
from orchestration.alerts.runbooks import runbook_of
from orchestration.dashboard.metrics import exposition
from tests.unit.orchestration.dashboard.sample import NOW, snapshot

RULES = Path(__file__).parents[5] / "monitoring/payments-rules.yml"
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed: install Debian's prometheus"
)


@dataclass(frozen=True)
class Case:
    """Series with a value each `step` minutes, and what fires at a minute: the labels of each alert."""

    alert: str
    series: dict[str, str]
    minute: int
    fires: list[dict[str, str]] = field(default_factory=list)
    step: int = 1


def health(metric: str, values: str) -> dict[str, str]:
    return {f'payments_health_status{{metric="{metric}"}}': values}


MINUTES = 60
KINDS = [kind for alert in ALERTS for kind in alert.incidents]
RECENT = [kind for alert in ALERTS for kind in alert.recent]


def world(status: int, is_open: int, occurred: int) -> dict[str, str]:
    """All health rows of one status, all kinds of incident open or none, those that a run mends at that second."""
    found: dict[str, str] = {}
    for alert in ALERTS:
        for metric in alert.health:
            found |= {} if metric == WAREHOUSE else health(metric, f"{status}x{MINUTES}")
    found |= {f'payments_open_incidents{{kind="{kind}"}}': f"{is_open}x{MINUTES}" for kind in KINDS}
    return found | {
        f'payments_last_incident_timestamp_seconds{{kind="{kind}"}}': f"{occurred}x{MINUTES}" for kind in RECENT
    }


FAILING, DEGRADED = world(3, 1, 0), world(2, 0, -3600)


def cases_of(alert: Alert) -> list[Case]:
    """Where all fails at once, an alert is of what it goes by, and of nothing else; sooner, or at less, it is quiet."""
    labels = [{"metric": metric} for metric in alert.health if metric != WAREHOUSE]
    labels += [{"kind": str(kind)} for kind in (*alert.incidents, *alert.recent)]
    if not labels:
        return []
    too_soon = [Case(alert.name, FAILING, alert.minutes - 1)] if alert.minutes else []
    over = [Case(alert.name, FAILING, RECENT_MINUTES + 1)] if alert.recent else []
    at = alert.minutes + 1
    return [Case(alert.name, FAILING, at, labels), Case(alert.name, DEGRADED, at), *too_soon, *over]


RECORDS = 'payments_records_last_day{disposition="%s"}'
SNAPSHOT = "payments_snapshot_timestamp_seconds"
EXPRESSED = [
    Case("PaymentsNotCountedOnce", {"payments_counted_once": "0x9"}, 5, [{}]),
    Case("PaymentsNotCountedOnce", {"payments_counted_once": "1x9"}, 5),
    Case("PaymentsNotCountedOnce", {"payments_counted_once": "_x9"}, 5),
    Case("PaymentsBrokerDown", {'payments_part_up{part="Kafka"}': "0x9"}, 5, [{"part": "Kafka"}]),
    Case("PaymentsBrokerDown", {'payments_part_up{part="Kafka"}': "0 0 1 0 0 1 1"}, 5),
    Case("PaymentsWarehouseDown", {'payments_part_up{part="warehouse"}': "0x9"}, 7, [{"part": "warehouse"}]),
    Case("PaymentsWarehouseDown", {'payments_part_up{part="Kafka"}': "0x9"}, 7),
    Case("PaymentsMetricsMissing", {}, 7, [{}]),
    Case("PaymentsMetricsMissing", {SNAPSHOT: "0x30"}, 20, [{}]),
    Case("PaymentsMetricsMissing", {SNAPSHOT: "0+60x30"}, 20),
    Case("PaymentsStateGrowing", {"payments_state_bytes": "400000000+2000000x120"}, 100, [{}]),
    Case("PaymentsStateGrowing", {"payments_state_bytes": "1000+2000000x120"}, 100),
    Case("PaymentsStateGrowing", {"payments_state_bytes": "900000000x120"}, 100),
    Case(
        "PaymentsQuarantineHigh",
        {RECORDS % "UNIQUE": "90x20", RECORDS % "QUARANTINED": "10x20"},
        15,
        [{}],
    ),
    Case("PaymentsQuarantineHigh", {RECORDS % "UNIQUE": "97x20", RECORDS % "QUARANTINED": "3x20"}, 15),
    Case("PaymentsConflictsUndecided", {"payments_undecided_conflicts": "1x70"}, 65, [{}]),
    Case("PaymentsConflictsUndecided", {"payments_undecided_conflicts": "1x50 0x20"}, 65),
]

RIGHT, LATENCY = "payments_counted_once", "event_to_warehouse_latency_p95_seconds"
UP = {'payments_part_up{part="warehouse"}': "1x500"}
DAYS_OF_BREAKS = {RIGHT: "1x99 0 " * 5} | UP | health(LATENCY, "0x29 3 " * 16)
FEW_BREAKS = {RIGHT: "1x100 0 1x300"} | UP | health(LATENCY, "0x199 3 " * 3)
BURNING = [
    # An hour's page: 52 s of an hour for the one budget, 8.6 minutes for the other.
    Case("PaymentsRightBurnFast", {RIGHT: "1x60 0x9"}, 66, [{"promise": "right"}]),
    Case("PaymentsRightBurnFast", {RIGHT: "1x90"}, 66),
    # It broke and is mended: the short window ends the page, long before the long one would.
    Case("PaymentsRightBurnFast", {RIGHT: "1x300 0x1 1x200"}, 340),
    Case("PaymentsInTimeBurnFast", UP | health(LATENCY, "0x60 3x20"), 76, [{"promise": "in_time"}]),
    Case("PaymentsInTimeBurnFast", UP | health(LATENCY, "0x400 3x5 0x20"), 408),
    Case("PaymentsInTimeBurnFast", UP | health(LATENCY, "2x90"), 76),
    Case("PaymentsInTimeBurnFast", {'payments_part_up{part="warehouse"}': "1x60 0x20"}, 76, [{"promise": "in_time"}]),
    # One minute in ten, for hours: no page at 14.4 over an hour, but one at 6 over six.
    Case("PaymentsInTimeBurnFast", UP | health(LATENCY, "0x9 3 " * 40), 395, [{"promise": "in_time"}]),
    Case("PaymentsInTimeBurnFast", UP | health(LATENCY, "0x29 3 " * 14), 395),
    # Values each ten minutes: three days of them.
    Case("PaymentsRightBurnSlow", DAYS_OF_BREAKS, 4250, [{"promise": "right"}], step=10),
    Case("PaymentsInTimeBurnSlow", DAYS_OF_BREAKS, 4250, [{"promise": "in_time"}], step=10),
    Case("PaymentsRightBurnSlow", FEW_BREAKS, 3000, step=10),
    Case("PaymentsInTimeBurnSlow", FEW_BREAKS, 3000, step=10),
]

CASES = [case for alert in ALERTS for case in cases_of(alert)] + EXPRESSED + BURNING


def test_every_alert_has_a_case_that_fires_and_one_that_does_not() -> None:
    names = {alert.name for alert in EVERY_ALERT}
    assert {case.alert for case in CASES if case.fires} == names
    assert {case.alert for case in CASES if not case.fires} == names


def test_the_committed_rules_are_those_of_the_list() -> None:
    assert RULES.read_text() == rules(), "run `make alerts`"


def test_runbooks_are_addressed_where_they_can_be_read() -> None:
    url = '"https://runbooks.example.com/payments/PaymentsDataLost.md"'
    assert f"runbook_url: {url}" in rules("https://runbooks.example.com/payments/")


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    assert found
    return subprocess.run([found, *arguments], input=given, capture_output=True, text=True, check=False)


def told(cases: list[Case]) -> dict[str, object]:
    """One test of promtool, for cases of the same series."""
    return {
        "interval": f"{cases[0].step}m",
        "input_series": [{"series": name, "values": spelled(values)} for name, values in cases[0].series.items()],
        "alert_rule_test": [
            {"eval_time": f"{case.minute}m", "alertname": case.alert, "exp_alerts": expected(case)} for case in cases
        ],
    }


def expected(case: Case) -> list[dict[str, object]]:
    [alert] = [alert for alert in EVERY_ALERT if alert.name == case.alert]
    words = {"summary": alert.summary, "command": alert.command, "runbook_url": runbook_of(alert.name)}
    return [{"exp_labels": labels | {"severity": alert.severity}, "exp_annotations": words} for labels in case.fires]


def spelled(values: str) -> str:
    """`3x5` of the cases in promtool's notation, in which a number without a step repeats by `+0`."""
    words = values.split()
    return " ".join(
        word if "+" in word[1:] or "x" not in word or word.startswith("_") else word.replace("x", "+0x")
        for word in words
    )


@needs_promtool
@pytest.mark.parametrize("step", [1, 10])
def test_each_alert_fires_where_it_should_and_not_where_it_should_not(tmp_path: Path, step: int) -> None:
    (tmp_path / "rules.yml").write_text(rules())
    by_series: dict[str, list[Case]] = {}
    for case in CASES:
        if case.step == step:
            by_series.setdefault(str(case.series), []).append(case)
    tests = [told(cases) for cases in by_series.values()]
    # JSON is YAML.
    (tmp_path / "tests.yml").write_text(
        json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": f"{step}m", "tests": tests})
    )
    ended = promtool("test", "rules", str(tmp_path / "tests.yml"))
    assert ended.returncode == 0, ended.stdout + ended.stderr


@needs_promtool
def test_the_metrics_pass_the_linter() -> None:
    ended = promtool("check", "metrics", given=exposition(snapshot(), NOW))
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_a_page_waits_for_two_looks_at_least() -> None:
    assert BURN_MINUTES >= 2
    assert all(alert.minutes >= 1 for alert in ALERTS if alert.severity == "page")
