from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.cli.costs.billed_jobs import TIB, UNLABELLED, WorkTotals, added_up, jobs_sql
from spark_jobs.settings import read_job_settings

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


@dataclass
class Job:
    labels: dict[str, str] = field(default_factory=dict)
    num_dml_affected_rows: int | None = None
    started: datetime | None = NOON
    ended: datetime | None = NOON + timedelta(seconds=2)


def ours(work: str, rows: int | None = None) -> Job:
    return Job({"payments_work": work, "payments_pipeline": "payments"}, rows)


def test_jobs_are_added_up_by_what_they_were_for_and_other_peoples_are_left_out() -> None:
    others = Job({"payments_work": "batch", "payments_pipeline": "elsewhere"}, 5)
    found = added_up([ours("batch", 10), ours("verify"), ours("batch", 20), others, Job()], "payments")
    assert found == [WorkTotals("batch", 2, 30, 4.0), WorkTotals("verify", 1, 0, 2.0)]


def test_a_job_of_ours_that_does_not_say_what_it_was_for_is_seen() -> None:
    assert added_up([Job({"payments_pipeline": "payments"})], "payments")[0].work == UNLABELLED


def test_a_job_that_still_runs_has_taken_no_time() -> None:
    running = ours("build")
    running.ended = None
    assert added_up([running], "payments") == [WorkTotals("build", 1, 0, 0.0)]


def test_dollars_are_those_of_the_list() -> None:
    totals = WorkTotals("build", 1, 0, 1.0, bytes_billed=TIB, slot_hours=10.0)
    assert totals.dollars_on_demand == 6.25
    assert totals.dollars_by_slots == pytest.approx(0.4)


def test_where_nothing_is_told_nothing_is_made_up() -> None:
    totals = WorkTotals("build", 1, 0, 1.0)
    assert totals.dollars_on_demand is None
    assert totals.dollars_by_slots is None


def test_the_job_list_is_that_of_the_project_and_the_location_and_of_no_statement_twice() -> None:
    settings = read_job_settings(
        {"BIGQUERY_PROJECT": "acme-payments", "BIGQUERY_LOCATION": "EU", "STAGING_LOCATION": "gs://acme/staging"}
    )
    sql = jobs_sql(settings)
    assert "`acme-payments`.`region-eu`.INFORMATION_SCHEMA.JOBS" in sql
    assert "parent_job_id is null" in sql
