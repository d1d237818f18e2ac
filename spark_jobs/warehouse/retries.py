"""How the warehouse is asked: one policy of bounds and retries, for every request and every job.

Belongs here: a request that fails in passing is sent again by the client, with back-off, for RETRY_SECONDS; a job is
begun under an id, so that one whose answer was lost is found again and has no second effect. Does not belong here:
beginning a *failed* job anew under another id (sinks.bigquery). There is no third layer.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from spark_jobs.incidents import Incident, IncidentKind, one_line

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

REQUEST_SECONDS = 120.0
"""How long one request may go without an answer; the warehouse answers within it although a job goes on."""
RETRY_SECONDS = 60.0
"""A request that fails in passing is not sent again after so long."""
JOB_SECONDS = 600.0
"""How long a job is waited for: to give up on it sooner leaves it running with nobody watching."""


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
    """All that the client raises where the warehouse refuses, fails or is silent."""
    from google.api_core.exceptions import GoogleAPIError
    from requests import RequestException

    return GoogleAPIError, RequestException, ConnectionError, TimeoutError


@contextmanager
def failures_as_incidents() -> Iterator[None]:
    """Turn what the client raises into an Incident of one line."""
    try:
        yield
    except failures() as error:
        raise Incident(
            kind_of(error, IncidentKind.WAREHOUSE_FAILED),
            f"the warehouse refused or was silent: {one_line(error)}; the next run goes on from what it holds.",
        ) from error


def kind_of(error: Exception, otherwise: IncidentKind) -> IncidentKind:
    """QUOTA_EXCEEDED where the warehouse says so."""
    reasons = [detail.get("reason") for detail in getattr(error, "errors", ()) if isinstance(detail, dict)]
    return IncidentKind.QUOTA_EXCEEDED if "quotaExceeded" in reasons else otherwise
