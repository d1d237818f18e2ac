import re
from dataclasses import replace
from pathlib import Path

from orchestration.dashboard import statements
from orchestration.dashboard.metrics import METRICS, documented, exposition
from orchestration.dashboard.model import Section
from tests.unit.orchestration.dashboard.sample import NOW, rows, snapshot, without_warehouse

DOCS = Path(__file__).parents[4] / "docs/metrics.md"
SAMPLE = re.compile(r'^([a-z0-9_]+)(?:\{([a-z]+)="((?:[^"\\\n]|\\.)*)"\})? (-?[0-9.e+]+)$')
UNITS = ("_seconds", "_bytes", "_ratio", "_records", "_comparisons", "_euros", "_offset")
WITHOUT_UNIT = {
    "payments_part_up",
    "payments_counted_once",
    "payments_records_last_day",
    "payments_health_value",
    "payments_health_status",
    "payments_open_incidents",
    "payments_undecided_conflicts",
}
INCIDENT = {
    "incident_id": "i",
    "kind": "LOAD_FAILED",
    "detail": "...",
    "occurred_at": "2026-01-05T12:00:00Z",
    "settled_at": "2026-01-05T11:00:00Z",
}


def samples(text: str) -> dict[tuple[str, str], float]:
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SAMPLE.match(line)
            assert match, line
            found[match[1], match[3] or ""] = float(match[4])
    return found


def test_every_line_is_of_the_text_format_and_every_metric_has_a_sample() -> None:
    found = samples(exposition(snapshot(incidents=[INCIDENT]), NOW))
    assert {name for name, _ in found} == {metric.name for metric in METRICS}


def test_names_keep_the_conventions() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"payments_[a-z0-9_]+", name) for name in names)
    assert {name for name in names if not name.endswith(UNITS)} == WITHOUT_UNIT
    assert not [name for name in names if name.endswith("_total")], "a gauge is no counter"


def test_values_are_those_of_the_snapshot() -> None:
    found = samples(exposition(snapshot(), NOW))
    assert found["payments_counted_once", ""] == 1
    assert found["payments_last_record_processed_timestamp_seconds", ""] == 1767614700
    assert found["payments_reconciliation_pending_comparisons", "reconciliation_control_totals"] == 2
    assert found["payments_source_lag_records", "0"] == 3
    assert found["payments_records_last_day", "DUPLICATE"] == 240
    assert found["payments_state_bytes", ""] == 1_500_000
    assert found["payments_undecided_conflicts_euros", ""] == 12.5


def test_what_is_not_known_now_is_no_sample() -> None:
    away = samples(exposition(without_warehouse(snapshot(incidents=[INCIDENT])), NOW))
    assert away["payments_part_up", "warehouse"] == 0
    assert {name for name, _ in away if not name.endswith("_timestamp_seconds")} == {"payments_part_up"}
    known = snapshot()
    unread = replace(known, sections={**known.sections, statements.CONFLICTS: Section()})
    assert ("payments_undecided_conflicts", "") not in samples(exposition(unread, NOW))


def test_money_that_nobody_can_value_is_no_sample_and_keeps_none_of_the_others_back() -> None:
    [conflict] = rows()[statements.CONFLICTS]
    found = samples(exposition(snapshot(conflicts=[conflict | {"exposure_eur": None, "open_eur": None}]), NOW))
    assert found["payments_undecided_conflicts", ""] == 1
    assert ("payments_undecided_conflicts_euros", "") not in found
    assert found["payments_counted_once", ""] == 1


def test_conflicts_that_cannot_be_read_any_more_hold_no_alert_up() -> None:
    known = snapshot()
    refused = replace(known.section(statements.CONFLICTS), trouble="it would read too much")
    found = samples(exposition(replace(known, sections={**known.sections, statements.CONFLICTS: refused}), NOW))
    assert not [name for name, _ in found if name.startswith("payments_undecided")]


def test_an_incident_is_open_until_something_is_published_however_long_ago_that_was() -> None:
    found = samples(exposition(snapshot(incidents=[INCIDENT]), NOW))
    assert (found["payments_open_incidents", "LOAD_FAILED"], found["payments_open_incidents", "OFFSETS_LOST"]) == (1, 0)
    assert found["payments_last_incident_timestamp_seconds", "LOAD_FAILED"] == 1767614400
    mended = INCIDENT | {"settled_at": "2026-01-05T12:00:10Z"}
    idle_since = samples(exposition(snapshot(incidents=[mended], batches=[]), NOW))
    assert idle_since["payments_open_incidents", "LOAD_FAILED"] == 0


def test_health_that_is_not_known_now_holds_no_alert_up() -> None:
    known = snapshot()
    health = replace(known.section(statements.HEALTH), trouble="the warehouse does not answer")
    found = samples(exposition(replace(known, sections={**known.sections, statements.HEALTH: health}), NOW))
    assert not [name for name, _ in found if name in ("payments_health_status", "payments_state_bytes")]


def test_a_comparison_that_fails_is_a_zero() -> None:
    broken = [row | {"failed_count": 1} for row in rows()[statements.RECONCILIATION]]
    assert samples(exposition(snapshot(judged=broken), NOW))["payments_counted_once", ""] == 0


def test_a_label_is_escaped() -> None:
    health = [rows()[statements.HEALTH][0] | {"metric": 'a"b\\c\nd'}]
    assert 'metric="a\\"b\\\\c\\nd"' in exposition(snapshot(health=health), NOW)


def test_the_documentation_has_the_same_metrics() -> None:
    [table] = re.findall(r"<!-- table: metrics -->\n(.*?)<!-- /table -->", DOCS.read_text(), re.DOTALL)
    assert table == documented()
