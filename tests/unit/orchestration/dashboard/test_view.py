from datetime import timedelta

from orchestration.dashboard import statements
from orchestration.dashboard.model import Snapshot, stamp
from orchestration.dashboard.view import TITLES, page_of
from tests.unit.orchestration.dashboard.sample import NOW, limits, rows, snapshot, without_warehouse


def test_every_health_metric_has_a_title_and_the_fields_five_come_first() -> None:
    assert set(TITLES) == {row["metric"] for row in limits()}
    page = page_of(snapshot(), NOW)
    assert [card.title for card in page.health][:6] == [
        "State store size",
        "Duplicate rate",
        "Reconciliation match",
        "Event to warehouse, 95th percentile",
        "Event to fraud score, 95th percentile",
        "Checkpoint lag",
    ]
    assert {card.metric for card in (*page.health, *page.watch)} == set(TITLES)


def test_what_is_not_well_is_listed_with_a_command() -> None:
    health = rows()[statements.HEALTH]
    health[1] |= {"value": "11", "status": "FAILING"}
    [card] = page_of(snapshot(health=health), NOW).unwell
    assert (card.title, card.value, card.unit, card.command) == (
        "Duplicate rate",
        "11",
        "%",
        "payments query deduplication",
    )


def test_a_value_that_is_not_known_is_said_so_without_a_unit() -> None:
    health = [rows()[statements.HEALTH][0] | {"value": None, "status": "UNWATCHED"}]
    [card] = page_of(snapshot(health=health), NOW).health
    assert (card.value, card.unit) == ("not known", "")


def test_a_page_that_nobody_could_renew_is_stale() -> None:
    assert not page_of(snapshot(), NOW + timedelta(seconds=100)).is_stale
    later = page_of(snapshot(), NOW + timedelta(hours=3))
    assert (later.is_stale, later.age_seconds) == (True, 3 * 3600)


def test_dispositions_add_up_to_what_was_delivered() -> None:
    page = page_of(snapshot(), NOW)
    [chart] = [chart for chart in page.charts if chart.key == "dispositions"]
    assert [sum(values) for values in zip(*chart.series.values(), strict=True)] == [
        row["delivered"] for row in rows()[statements.BINS]
    ]
    assert list(chart.series) == ["UNIQUE", "DUPLICATE", "LATE", "QUARANTINED", "IGNORED"]
    other = [row | {"delivered": row["delivered"] + 5} for row in rows()[statements.BINS]]
    [chart] = [chart for chart in page_of(snapshot(bins=other), NOW).charts if chart.key == "dispositions"]
    assert chart.series["OTHER"] == (5.0,) * 8


def test_a_pause_is_drawn_as_a_pause_up_to_when_it_was_read() -> None:
    late = [row | {"bin": row["bin"] - timedelta(hours=3)} for row in rows()[statements.BINS]]
    kept = late[:2] + late[6:]
    throughput, dispositions, latency = page_of(snapshot(bins=kept), NOW).charts
    quiet = [0] * 4
    assert [values[2:6] for values in dispositions.series.values()] == [tuple(map(float, quiet))] * 5
    assert [at % 900 for at in throughput.x] == [0] * (8 + 12), "three hours of nothing follow"
    assert throughput.series["records/s"][8:] == (0.0,) * 12
    assert latency.series["p95, s"][:9] == (1.5, 1.5, None, None, None, None, 1.5, 1.5, None)
    assert [row[1] for row in latency.rows[:3]] == ["1.5", "1.5", ""]


def test_the_quarter_of_an_hour_that_goes_on_is_no_dip() -> None:
    steady = [row | {"delivered": 9000} for row in rows()[statements.BINS]]
    steady[-1]["delivered"] = 4500
    [chart] = [chart for chart in page_of(snapshot(bins=steady), NOW).charts if chart.key == "throughput"]
    assert chart.series["records/s"] == (10.0,) * 8, "450 seconds of it are over"
    steady[-1] |= {"bin": NOW - timedelta(seconds=1), "delivered": 60}
    [chart] = [chart for chart in page_of(snapshot(bins=steady[-1:]), NOW).charts if chart.key == "throughput"]
    assert chart.series["records/s"] == (1.0,), "a second of it says nothing yet"


def test_a_chart_says_why_nothing_newer_is_known_and_what_was_never_read_is_not_called_empty() -> None:
    for chart in page_of(without_warehouse(snapshot()), NOW).charts:
        assert chart.trouble == "not asked Below is what was known at 2026-01-05 12:07 UTC."
    assert {chart.summary for chart in page_of(Snapshot(stamp(NOW)), NOW).charts} == {"It was not read yet."}


def test_without_any_row_there_is_a_page() -> None:
    page = page_of(snapshot(**{name: [] for name in rows()}), NOW)
    assert page.health == ()
    assert {table.rows for table in page.tables} == {()}
    assert all(table.note for table in page.tables)
