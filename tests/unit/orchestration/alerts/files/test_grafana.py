"""Grafana's dashboard: made of the list, and each expression is one that Prometheus reads."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

from orchestration.alerts.files.grafana import dashboard
from orchestration.dashboard.metrics import METRICS
from tests.unit.orchestration.alerts.files.test_rules_file import needs_promtool, promtool

FILE = Path(__file__).parents[5] / "monitoring/payments-grafana.json"
PANELS: list[dict[str, Any]] = json.loads(dashboard())["panels"]


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel.get("targets", ())]


def test_the_committed_dashboard_is_that_of_the_list() -> None:
    assert FILE.read_text() == dashboard(), "run `make alerts`"


def test_every_metric_has_a_panel_that_says_what_it_is() -> None:
    shown = {panel["title"]: panel.get("description") for panel in PANELS}
    assert {metric.name: metric.meaning for metric in METRICS}.items() <= shown.items()


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in PANELS]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below
    assert all(place["x"] + place["w"] <= 24 for place in places)


@needs_promtool
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{at}", "expr": expression} for at, expression in enumerate(expressions())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    ended = promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert f"{len(rules)} rules found" in ended.stdout, ended.stderr
