from dataclasses import dataclass, field
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.bigquery import QueryJobConfig

from spark_jobs.incidents import Incident
from spark_jobs.warehouse.retries import JOB_SECONDS, REQUEST_SECONDS, failures_as_incidents, rows_of, seconds_of


@dataclass
class Slow:
    """A query that is done after so many seconds, on a clock that only waiting moves."""

    takes: float
    configuration: QueryJobConfig = field(default_factory=lambda: QueryJobConfig(job_timeout_ms=300_000))
    job_id: str = "j"
    now: float = 0.0
    cancelled: bool = False

    def result(self, *, timeout: float, **_options: Any) -> list[str]:
        """As the client does: `timeout` is the whole wait."""
        waits = min(timeout, self.takes - self.now)
        self.now += waits
        if self.now < self.takes:
            raise TimeoutError
        return ["row"]

    def cancel(self, **_bounds: Any) -> None:
        self.cancelled = True


def asked(job: Slow, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("time.monotonic", lambda: job.now)
    return rows_of(job)  # type: ignore[arg-type]


def test_a_query_that_takes_longer_than_a_request_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Slow(takes=2 * REQUEST_SECONDS)
    assert asked(job, monkeypatch) == ["row"]
    assert not job.cancelled


def test_a_query_beyond_its_own_limit_is_told_to_end_rather_than_left_to_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Slow(takes=10_000)
    with pytest.raises(TimeoutError, match="told to end"):
        asked(job, monkeypatch)
    assert job.cancelled
    assert 300 <= job.now <= 300 + REQUEST_SECONDS


def test_a_job_without_a_limit_of_its_own_has_a_batchs() -> None:
    assert seconds_of(Slow(0, QueryJobConfig())) == JOB_SECONDS  # type: ignore[arg-type]


def test_a_job_refused_for_its_bytes_says_which_setting_to_raise() -> None:
    refused = BadRequest("too large", errors=[{"reason": "bytesBilledLimitExceeded"}])  # type: ignore[no-untyped-call]
    with pytest.raises(Incident, match="PAYMENTS_PLANNED_PER_SECOND"), failures_as_incidents():
        raise refused
