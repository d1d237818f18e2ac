"""The lists as rules for Prometheus.

Belongs here: recording rules, alerts, and how YAML is written. Does not belong here: what fires when (alerts).
"""

import json
from collections.abc import Iterator

from orchestration.alerts.catalog import ALERTS, Alert
from orchestration.alerts.promises import BROKEN, BURN_ALERTS, BURN_MINUTES, PROMISES, WINDOWS, BurnAlert, average
from orchestration.alerts.runbooks import runbook_of

_HEAD = (
    "# Made by `make alerts` from orchestration/alerts, and held against it by a test. How to use it: docs/alerts.md."
)


def rules(runbooks: str = "") -> str:
    """The file of rules. `runbooks` is where the runbooks can be read; without it they are named by their path."""
    return "\n".join([_HEAD, "groups:", *_promises(runbooks), *_alerts(runbooks)]) + "\n"


def _promises(runbooks: str) -> Iterator[str]:
    """In one group, so that each line is worked out from those above it, of the same moment."""
    yield "  - name: payments-promises"
    yield "    rules:"
    for promise in PROMISES:
        yield from _record(BROKEN, promise.broken, {"promise": promise.key})
    for window in WINDOWS:
        yield from _record(average(window), f"avg_over_time({BROKEN}[{window}])", {})
    for alert in BURN_ALERTS:
        yield from _alert(alert, BURN_MINUTES, runbooks)


def _record(name: str, expression: str, labels: dict[str, str]) -> Iterator[str]:
    yield f"      - record: {name}"
    yield f"        expr: {_text(expression)}"
    if labels:
        yield "        labels:"
        yield from (f"          {label}: {_text(value)}" for label, value in labels.items())


def _alerts(runbooks: str) -> Iterator[str]:
    yield "  - name: payments"
    yield "    rules:"
    for alert in ALERTS:
        yield from _alert(alert, alert.minutes, runbooks)


def _alert(alert: Alert | BurnAlert, minutes: int, runbooks: str) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {_text(alert.condition)}"
    if minutes:
        yield f"        for: {minutes}m"
    yield "        labels:"
    yield f"          severity: {_text(alert.severity)}"
    yield "        annotations:"
    yield f"          summary: {_text(alert.summary)}"
    yield f"          command: {_text(alert.command)}"
    yield f"          runbook_url: {_text(runbook_of(alert.name, runbooks))}"


def _text(value: str) -> str:
    """A text in YAML: what JSON writes is YAML too."""
    return json.dumps(value, ensure_ascii=False)
