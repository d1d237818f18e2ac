from datetime import timedelta

from orchestration.dashboard import statements
from orchestration.dashboard.view import TITLES, page_of
from tests.unit.orchestration.dashboard.sample import NOW, limits, rows, snapshot


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


def test_without_any_row_there_is_a_page() -> None:
    page = page_of(snapshot(**{name: [] for name in rows()}), NOW)
    assert page.health == ()
    assert {table.rows for table in page.tables} == {()}
    assert all(table.note for table in page.tables)
