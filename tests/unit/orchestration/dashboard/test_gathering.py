"""What the page says of a topic; the reads themselves are in the integration tests."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from orchestration.dashboard.gathering import _built, lag_rows, lag_section
from orchestration.dashboard.model import Section
from spark_jobs.settings import read_job_settings
from spark_jobs.source.topic import TopicState

NOW = "2026-01-05T12:07:30Z"
TOPIC = TopicState("payment-events", "id", earliest={0: 1_000, 1: 0}, latest={0: 1_005, 1: 7})
PUBLISHED = Section(({"end_offsets": '{"0": 1003, "1": 7}'},), NOW)
BEFORE = Section(({"kafka_partition": 0, "published_up_to": 9, "broker_ends_at": 9, "lag": 0},), "2026-01-05T11:00:00Z")


def test_what_waits_is_what_the_broker_has_beyond_what_is_published() -> None:
    known = lag_section(BEFORE, TOPIC, PUBLISHED, NOW)
    assert [tuple(row.values()) for row in known.rows] == [(0, 1_003, 1_005, 2), (1, 7, 7, 0)]
    assert (known.read_at, known.trouble) == (NOW, "")


def test_without_the_broker_or_the_warehouse_it_is_not_known_how_much_waits() -> None:
    away = Section(PUBLISHED.rows, "2026-01-05T11:00:00Z", trouble="It was not asked: the warehouse does not answer.")
    for topic, control, who in (
        (None, PUBLISHED, "broker"),
        (TOPIC, away, "warehouse"),
        (TOPIC, Section(), "warehouse"),
    ):
        known = lag_section(BEFORE, topic, control, NOW)
        assert (known.rows, known.read_at) == (BEFORE.rows, BEFORE.read_at)
        assert f"The {who} does not answer" in known.trouble


def test_before_anything_is_published_what_the_broker_no_longer_keeps_does_not_wait() -> None:
    nothing = Section((), NOW)
    assert [row["lag"] for row in lag_section(Section(), TOPIC, nothing, NOW).rows] == [5, 7]
    assert [row["lag"] for row in lag_rows({0: 1_005}, TOPIC)] == [0, 7], "a partition is new"


def built(there: Mapping[str, tuple[str, ...]], **datasets: str) -> set[str]:
    def list_tables(dataset: str, **_: Any) -> list[SimpleNamespace]:
        if dataset not in there:
            raise NotFound("no such dataset")  # type: ignore[no-untyped-call]
        return [SimpleNamespace(table_id=name) for name in there[dataset]]

    client = cast("bigquery.Client", SimpleNamespace(list_tables=list_tables))
    return _built(client, read_job_settings(datasets))


def test_what_is_built_is_looked_for_where_it_is_and_the_marts_come_with_the_first_build() -> None:
    ours, marts = "payments-local.payment_data", "payments-local.marts"
    assert built({ours: ("health_history",)}, BIGQUERY_MARTS_DATASET="marts") == {"health_history"}
    both = {ours: ("health_history",), marts: ("pipeline_health",)}
    assert built(both, BIGQUERY_MARTS_DATASET="marts") == {"health_history", "pipeline_health"}
    assert built(both) == {"health_history"}
    with pytest.raises(NotFound):
        built({})
