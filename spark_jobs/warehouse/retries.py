"""How the warehouse is asked: one policy of bounds and retries, for every request and every job.

Belongs here: a request that fails in passing is sent again by the client, with back-off, for RETRY_SECONDS; a job is
begun under an id, so that one whose answer was lost is found again and has no second effect; a refusal for concurrency,
which says nothing of what was sent, is waited out apart from failures. Does not belong here: beginning a *failed* job
anew under another id (sinks.bigquery). There is no further layer.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from spark_jobs.incidents import Incident, IncidentKind, one_line

if TYPE_CHECKING:
    from google.cloud.bigquery import Client, LoadJob, QueryJob

REQUEST_SECONDS = 120.0
"""How long one request may go without an answer; the warehouse answers within it although a job goes on."""
RETRY_SECONDS = 60.0
"""A request that fails in passing is not sent again after so long."""
JOB_SECONDS = 600.0
"""How long a batch's job is waited for: to give up on it sooner leaves it running with nobody watching."""

PATIENCE_SECONDS = 120.0
"""How long a statement is sent again while others change the same table: longer than any transaction of ours takes."""
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
_CONTENDED = re.compile(
    r"(?:aborted due to concurrent update against table|could not serialize access to table) `?([\w.:\-]+[\w\-])",
    re.IGNORECASE,
)

log = logging.getLogger(__name__)


def bounds() -> dict[str, Any]:
    """`retry` and `timeout` for any request of the client; its own defaults are ten minutes and no end."""
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    retry = DEFAULT_RETRY.with_delay(initial=0.2, maximum=10, multiplier=2).with_timeout(RETRY_SECONDS)
    return {"retry": retry, "timeout": REQUEST_SECONDS}


def begin[Job](client: "Client", job_id: str, start: Callable[[], Job]) -> Job:
    """Begin a job whose id nobody else uses. Where it is there already, our own request began it, unheard."""
    from google.api_core.exceptions import Conflict

    try:
        return start()
    except Conflict:
        return cast("Job", client.get_job(job_id, **bounds()))


def rows_of(job: "QueryJob", page_size: int | None = None) -> Any:
    """The rows of a query, once it is done; each request is bounded by itself, and the wait by the job's own limit.

    The client takes `result(timeout=)` as the whole wait, not as a request's: a query that takes longer than a request
    may would be given up, and billed all the same.

    Raises:
        TimeoutError: the job's limit is over; it is told to end.
    """
    deadline = time.monotonic() + seconds_of(job)
    while True:
        try:
            return job.result(page_size=page_size, job_retry=None, **bounds())
        except TimeoutError:
            if time.monotonic() < deadline:
                continue
            with suppress(*failures()):
                job.cancel(**bounds())
            raise TimeoutError(f"job {job.job_id} was told to end: it ran for {seconds_of(job):.0f} s") from None


def wait_for(job: "LoadJob") -> None:
    """Return once a load job is done; what it failed with is raised."""
    job.result(retry=bounds()["retry"], timeout=seconds_of(job))


def seconds_of(job: "QueryJob | LoadJob") -> float:
    """How long a job is waited for: what it carries as its own limit, JOB_SECONDS where it carries none."""
    milliseconds = job.configuration.job_timeout_ms
    return int(milliseconds) / 1000 if milliseconds else JOB_SECONDS


def settle(client: "Client", job_id: str) -> None:
    """Return once the job of that id is over, however it went, or there is none.

    Raises:
        TimeoutError: it still runs.
    """
    from google.api_core.exceptions import NotFound

    try:
        job = client.get_job(job_id, **bounds())
    except NotFound:
        return
    deadline = time.monotonic() + JOB_SECONDS
    pause = 0.1
    while not job.done(**bounds()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"job {job_id} still runs after {JOB_SECONDS:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def failures() -> tuple[type[Exception], ...]:
    """All that the client raises where the warehouse refuses, fails or is silent, or where nobody lets us in."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests import RequestException

    return GoogleAPIError, GoogleAuthError, RequestException, ConnectionError, TimeoutError


@contextmanager
def failures_as_incidents() -> Iterator[None]:
    """Turn what the client raises into an Incident of one line."""
    try:
        yield
    except failures() as error:
        raise Incident(
            kind_of(error, IncidentKind.WAREHOUSE_FAILED),
            f"the warehouse refused or was silent: {one_line(error)}; {what_to_do(error)}.",
        ) from error


def what_to_do(error: Exception, otherwise: str = "the next run goes on from what it holds") -> str:
    """After a failure."""
    if "bytesBilledLimitExceeded" in _reasons(error):
        return "if so much is right, raise PAYMENTS_PLANNED_PER_SECOND or PAYMENTS_PLANNED_DAYS"
    return otherwise


def kind_of(error: Exception, otherwise: IncidentKind) -> IncidentKind:
    """QUOTA_EXCEEDED where the warehouse says so."""
    return IncidentKind.QUOTA_EXCEEDED if "quotaExceeded" in _reasons(error) else otherwise


def _reasons(error: Exception) -> list[str | None]:
    return [detail.get("reason") for detail in getattr(error, "errors", ()) if isinstance(detail, dict)]


def contended_table(error: Exception) -> str | None:
    """The table that others change, where a statement was refused for that: of two transactions the later is cancelled.

    As BigQuery names it; None where it was not.
    """
    found = _CONTENDED.search(str(getattr(error, "message", error)))
    return found[1] if found else None


def waited_out[T](
    attempt: Callable[[int], T],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
    jitter: Callable[[], float] = random.random,
) -> T:
    """What an attempt comes to that is not refused for concurrency.

    Pauses double up to LONGEST_PAUSE_SECONDS, each shortened by chance to no less than half: two that met once do not
    meet again.

    Args:
        attempt: called with how often it was refused before; a refused statement had no effect.
        clock: of the budget.
        pause: between two attempts.
        jitter: from 0 to 1.

    Raises:
        Incident: it was refused for PATIENCE_SECONDS.
        Exception: whatever else the attempt raises.
    """
    began, refused = clock(), 0
    while True:
        try:
            return attempt(refused)
        except Exception as error:
            table = contended_table(error)
            if table is None:
                raise
            refused += 1
            waited = clock() - began
            if waited >= PATIENCE_SECONDS:
                raise Incident(
                    IncidentKind.WAREHOUSE_FAILED,
                    f"others kept changing {table}: the warehouse refused {refused} times within {waited:.0f} s; see "
                    f"what else writes to it. The last said: {one_line(error)}",
                ) from error
            log.info("refused for concurrency, for the %d. time: %s", refused, one_line(error))
            longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (refused - 1), LONGEST_PAUSE_SECONDS)
            pause(longest * (0.5 + jitter() / 2))
