from dataclasses import dataclass, field
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.cloud.bigquery import QueryJobConfig

from spark_jobs.incidents import Incident
from spark_jobs.warehouse.retries import (
    JOB_SECONDS,
    PATIENCE_SECONDS,
    REQUEST_SECONDS,
    contended_table,
    failures_as_incidents,
    rows_of,
    seconds_of,
    waited_out,
)


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


CONTENDED = [
    "Transaction is aborted due to concurrent update against table acme:payment_data.pipeline_control. "
    "Transaction ID: 61e30eea-0000-2dab-8e60-94eb2c1b1a92 at [24:9]",
    "Could not serialize access to table acme:payment_data.pipeline_control due to concurrent update",
]


def refused(message: str) -> BadRequest:
    return BadRequest(message)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("message", CONTENDED)
def test_a_refusal_for_concurrency_names_its_table(message: str) -> None:
    assert contended_table(refused(message)) == "acme:payment_data.pipeline_control"
    assert contended_table(refused(f"Query error: {message}")) == "acme:payment_data.pipeline_control"


@pytest.mark.parametrize("message", ["Syntax error", "fenced off: the epoch has moved on", "concurrent update"])
def test_other_refusals_are_failures(message: str) -> None:
    assert contended_table(refused(message)) is None

    def attempt(_refused: int) -> None:
        raise refused(message)

    with pytest.raises(BadRequest):
        waited_out(attempt, pause=lambda _: pytest.fail("a failure is not waited out"))


def test_what_is_refused_for_concurrency_is_sent_again_at_longer_and_longer_pauses() -> None:
    paused: list[float] = []

    def attempt(refused_before: int) -> int:
        if refused_before < 8:
            raise refused(CONTENDED[0])
        return refused_before

    assert waited_out(attempt, clock=lambda: sum(paused), pause=paused.append, jitter=lambda: 1.0) == 8
    assert paused == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


def test_two_that_met_once_do_not_meet_again() -> None:
    shortest: list[float] = []

    def attempt(refused_before: int) -> None:
        if not refused_before:
            raise refused(CONTENDED[0])

    waited_out(attempt, pause=shortest.append, jitter=lambda: 0.0)
    assert shortest == [0.125]


def test_the_patience_with_others_ends_with_one_line_that_names_the_table() -> None:
    paused: list[float] = []

    def attempt(_refused: int) -> None:
        raise refused(CONTENDED[0])

    with pytest.raises(Incident, match=r"others kept changing acme:payment_data\.pipeline_control") as ended:
        waited_out(attempt, clock=lambda: sum(paused), pause=paused.append)
    assert "\n" not in str(ended.value)
    assert PATIENCE_SECONDS <= sum(paused) < PATIENCE_SECONDS + 8.0
