"""The two services of Dataproc as one: find, submit and cancel what has our name.

Belongs here: Google's clients, what their answers mean. Does not belong here: what is asked for (request), how long it
is waited for (shift). Each request is bounded, and sent again by `shift` alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from orchestration.dataproc.errors import DataprocFailed
from orchestration.dataproc.request import Submission, batch_body, job_body
from orchestration.dataproc.settings import DataprocSettings

if TYPE_CHECKING:
    from google.cloud.dataproc_v1 import BatchControllerClient, JobControllerClient

REQUEST_SECONDS = 30.0
_BOUNDS: dict[str, Any] = {"retry": None, "timeout": REQUEST_SECONDS}


class State(StrEnum):
    """What a run of the job has come to."""

    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


_ENDED = {
    "SUCCEEDED": State.SUCCEEDED,
    "DONE": State.SUCCEEDED,
    "FAILED": State.FAILED,
    "ERROR": State.FAILED,
    "CANCELLED": State.FAILED,
}
"""Google's names of the states in which nothing happens any more."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch or a job as Dataproc last told of it: Google's own name of its state, its words, where the log is."""

    state: State
    called: str
    words: str
    page: str
    log: str


class Service(Protocol):
    """Where the job runs."""

    @property
    def what(self) -> str:
        """What a run is called there."""

    def find(self, name: str) -> Seen | None:
        """As it stands; None where there is none of that name."""

    def submit(self, submission: Submission) -> None:
        """Hand over. Raises Conflict where there is one of that name."""

    def cancel(self, name: str) -> None:
        """Ask for its end; what has ended, or never was, is left alone."""


@dataclass(frozen=True)
class Batches:
    """Dataproc Serverless: a run is a batch."""

    dataproc: DataprocSettings
    client: "BatchControllerClient"
    what: str = "batch"

    def find(self, name: str) -> Seen | None:
        """The batch as it stands."""
        batch = _if_there(self.client.get_batch, name=self._path(name))
        if batch is None:
            return None
        at = self.dataproc
        page = f"https://console.cloud.google.com/dataproc/batches/{at.region}/{name}/monitoring?project={at.project}"
        return _seen(batch.state, batch.state_message, page, batch.runtime_info.output_uri)

    def submit(self, submission: Submission) -> None:
        """Create the batch."""
        at = self.dataproc
        self.client.create_batch(
            {
                "parent": f"projects/{at.project}/locations/{at.region}",
                "batch": batch_body(at, submission),
                "batch_id": submission.name,
                "request_id": submission.run_id,
            },
            **_BOUNDS,
        )

    def cancel(self, name: str) -> None:
        """Cancel the operation by which the batch was made: a batch itself has no such method."""
        batch = _if_there(self.client.get_batch, name=self._path(name))
        if batch is not None and _state(batch.state)[1] is State.UNDER_WAY:
            self.client.cancel_operation({"name": batch.operation}, **_BOUNDS)

    def _path(self, name: str) -> str:
        return f"projects/{self.dataproc.project}/locations/{self.dataproc.region}/batches/{name}"


@dataclass(frozen=True)
class Jobs:
    """A cluster that is there: a run is a job on it."""

    dataproc: DataprocSettings
    client: "JobControllerClient"
    what: str = "job"

    def find(self, name: str) -> Seen | None:
        """The job as it stands."""
        job = _if_there(self.client.get_job, **self._place(), job_id=name)
        if job is None:
            return None
        at = self.dataproc
        page = f"https://console.cloud.google.com/dataproc/jobs/{name}?region={at.region}&project={at.project}"
        return _seen(job.status.state, job.status.details, page, job.driver_output_resource_uri)

    def submit(self, submission: Submission) -> None:
        """Submit the job."""
        job = job_body(self.dataproc, submission)
        self.client.submit_job({**self._place(), "job": job, "request_id": submission.run_id}, **_BOUNDS)

    def cancel(self, name: str) -> None:
        """Cancel the job."""
        seen = self.find(name)
        if seen is not None and seen.state is State.UNDER_WAY:
            self.client.cancel_job({**self._place(), "job_id": name}, **_BOUNDS)

    def _place(self) -> dict[str, str]:
        return {"project_id": self.dataproc.project, "region": self.dataproc.region}


@contextmanager
def open_service(dataproc: DataprocSettings, **options: Any) -> Iterator[Service]:
    """The service that the settings name, at its region's own address.

    Args:
        dataproc: the settings.
        options: for a test, of the client's transport: another host, credentials.

    Raises:
        DataprocFailed: this process has no identity at Google.
    """
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import dataproc_v1
    from google.cloud.dataproc_v1.services.batch_controller.transports import BatchControllerRestTransport
    from google.cloud.dataproc_v1.services.job_controller.transports import JobControllerRestTransport

    # By HTTP, as the rest of the product asks Google: gRPC starts threads, and a run's process is forked.
    transport = {"host": f"{dataproc.region}-dataproc.googleapis.com", **options}
    service: Jobs | Batches
    try:
        if dataproc.cluster:
            jobs = JobControllerRestTransport(**transport)
            service = Jobs(dataproc, dataproc_v1.JobControllerClient(transport=jobs))
        else:
            batches = BatchControllerRestTransport(**transport)
            service = Batches(dataproc, dataproc_v1.BatchControllerClient(transport=batches))
    except DefaultCredentialsError:
        raise DataprocFailed(
            "Dataproc is not asked for anything: this process has no identity at Google. Bind it to a service account "
            "(docs/going-to-production.md, step 4)."
        ) from None
    with service.client:
        yield service


def _if_there(get: Any, **named: str) -> Any:
    from google.api_core.exceptions import NotFound

    try:
        return get(named, **_BOUNDS)
    except NotFound:
        return None


def _state(told: Any) -> tuple[str, State]:
    """A state that is newer than this client has a number and no name."""
    called = str(getattr(told, "name", told))
    return called, _ENDED.get(called, State.UNDER_WAY)


def _seen(told: Any, words: str, page: str, log: str) -> Seen:
    called, state = _state(told)
    return Seen(state, called, words, page, log)
