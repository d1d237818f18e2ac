"""The lists as a dashboard for Grafana.

Belongs here: rows, panels and units. Does not belong here: what a metric means (dashboard), when something fires
(alerts).
"""

import json
from typing import Any

from orchestration.alerts.promises import PROMISES, average
from orchestration.dashboard.metrics import METRICS, STATUS_NUMBERS, Metric

WIDTH, HEIGHT = 24, 7
_UNITS = {
    "_timestamp_seconds": "dateTimeAsIso",
    "_seconds": "s",
    "_bytes": "bytes",
    "_ratio": "percentunit",
    "_euros": "currencyEUR",
}
_SOURCE = {"type": "prometheus", "uid": "${source}"}
_COLORS = {0: "green", 1: "blue", 2: "yellow", 3: "red"}


def dashboard() -> str:
    """The file that Grafana imports."""
    panels: list[dict[str, Any]] = [_firing(), *(_budget(each.key, each.title, each.budget) for each in PROMISES)]
    panels += [_panel(metric) for metric in METRICS]
    return (
        json.dumps(
            {
                "uid": "payments",
                "title": "Exactly-once payments",
                "description": "Made by `make alerts` from the list of metrics and alerts.",
                "tags": ["payments"],
                "timezone": "utc",
                "schemaVersion": 39,
                "refresh": "1m",
                "time": {"from": "now-24h", "to": "now"},
                "templating": {
                    "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
                },
                "panels": [_placed(panel, at) for at, panel in enumerate(panels)],
            },
            indent=2,
        )
        + "\n"
    )


def _placed(panel: dict[str, Any], at: int) -> dict[str, Any]:
    place = {"x": at % 3 * WIDTH // 3, "y": at // 3 * HEIGHT, "w": WIDTH // 3, "h": HEIGHT}
    return {"id": at + 1, **panel, "gridPos": place}


def _firing() -> dict[str, Any]:
    options = {
        "alertInstanceLabelFilter": '{alertname=~"Payments.*"}',
        "stateFilter": {"firing": True, "pending": True},
    }
    return {"type": "alertlist", "title": "Firing alerts", "options": options}


def _budget(key: str, title: str, budget: float) -> dict[str, Any]:
    """How fast the budget of a promise burns: 1 is the even pace."""
    targets = [
        _target(f'{average(window)}{{promise="{key}"}} / {budget:g}', f"over {window}", letter)
        for letter, window in zip("ABC", ("1h", "6h", "3d"), strict=True)
    ]
    description = "1 is the even pace: 30 days use the budget up. The rules of monitoring/payments-rules.yml record it."
    return _series(f"Promise '{title}': pace of its budget", description, "short", targets)


def _panel(metric: Metric) -> dict[str, Any]:
    unit = next((unit for suffix, unit in _UNITS.items() if metric.name.endswith(suffix)), "short")
    # Grafana counts times in milliseconds.
    expression = f"1000 * {metric.name}" if unit == "dateTimeAsIso" else metric.name
    legend = f"{{{{{metric.labels}}}}}" if metric.labels else metric.name
    panel = _series(metric.name, metric.meaning, unit, [_target(expression, legend, "A")])
    if unit == "dateTimeAsIso" or metric.name in ("payments_counted_once", "payments_part_up"):
        panel["type"] = "stat"
    if metric.name == "payments_health_status":
        panel["type"] = "state-timeline"
        panel["fieldConfig"]["defaults"]["mappings"] = [
            {
                "type": "value",
                "options": {
                    str(number): {"text": name, "color": _COLORS[number]} for name, number in STATUS_NUMBERS.items()
                },
            }
        ]
    return panel


def _series(title: str, description: str, unit: str, targets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": title,
        "description": description,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    }


def _target(expression: str, legend: str, letter: str) -> dict[str, Any]:
    return {"refId": letter, "expr": expression, "legendFormat": legend, "datasource": _SOURCE}
