"""Which alerts fire by what the watch has put on record, and by the incidents."""

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.alerts.catalog import ALERTS
from orchestration.notifications.firing import STALE_AFTER, HealthRecord, firing

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
WELL = HealthRecord((), (), NOW)


def failing(*metrics: str, status: str = "FAILING") -> HealthRecord:
    return HealthRecord(
        tuple(f"{status}: {metric}" for metric in metrics),
        tuple(f"{status}: {metric} is 60, target 0 (records wait)" for metric in metrics),
        NOW - timedelta(minutes=1),
    )


def incident(kind: str, minutes_ago: int, published_minutes_ago: int | None = None) -> dict[str, Any]:
    def stamp(minutes: int | None) -> str | None:
        return None if minutes is None else f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"

    given = {"kind": kind, "detail": f"{kind}: broker 10.1.2.3:9092 says no", "occurred_at": stamp(minutes_ago)}
    return given | {"settled_at": stamp(published_minutes_ago)}


def test_a_row_that_is_failing_fires_its_alert_in_the_words_of_the_watch() -> None:
    seen = firing(failing("publication_overdue_seconds"), [], NOW)
    assert seen.details == {"PaymentsPublicationOverdue": "publication_overdue_seconds is 60, target 0 (records wait)"}
    assert not seen.unknown


def test_a_row_that_is_degraded_fires_nothing() -> None:
    assert firing(failing("duplicate_rate_pct", status="DEGRADED"), [], NOW).details == {}


def test_an_open_incident_fires_until_something_is_published() -> None:
    assert list(firing(WELL, [incident("OFFSETS_LOST", 30)], NOW).details) == ["PaymentsDataLost"]
    assert firing(WELL, [incident("OFFSETS_LOST", 30, 10)], NOW).details == {}


def test_a_rebuilt_checkpoint_is_told_of_for_a_while() -> None:
    assert list(firing(WELL, [incident("CHECKPOINT_UNUSABLE", 3, 1)], NOW).details) == ["PaymentsCheckpointRebuilt"]
    assert firing(WELL, [incident("CHECKPOINT_UNUSABLE", 16, 1)], NOW).details == {}


def test_no_network_address_is_told() -> None:
    [detail] = firing(WELL, [incident("TOPIC_MISSING", 3)], NOW).details.values()
    assert "10.1.2.3" not in detail


def test_while_the_warehouse_is_away_only_that_is_known() -> None:
    seen = firing(failing("the warehouse"), None, NOW)
    assert list(seen.details) == ["PaymentsWarehouseDown"]
    assert seen.unknown == {a.name for a in ALERTS if a.is_notified and a.name != "PaymentsWarehouseDown"}


def test_a_record_that_grows_old_says_that_the_watch_is_dead_and_nothing_else() -> None:
    old = HealthRecord((), (), NOW - STALE_AFTER - timedelta(seconds=1))
    seen = firing(old, [], NOW)
    assert list(seen.details) == ["PaymentsWatchSilent"]
    assert "PaymentsPublicationOverdue" in seen.unknown
    assert "PaymentsDataLost" not in seen.unknown


def test_a_platform_that_nobody_watches_has_no_alerts() -> None:
    seen = firing(None, [], NOW)
    assert seen.details == {}
    assert "PaymentsWatchSilent" in seen.unknown
