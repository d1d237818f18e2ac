"""dagster-gcp's BigQuery resource, with an endpoint. Imports Google's client: import this module inside functions.

Belongs here: how a client is made in a Dagster run. Does not belong here: queries (verification).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from dagster_gcp import BigQueryResource
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from pydantic import Field

from spark_jobs.settings import JobSettings
from spark_jobs.warehouse.job_labels import Work
from spark_jobs.warehouse.job_limits import LEAST_BYTES, most_bytes, prepare_jobs


class PaymentsBigQueryResource(BigQueryResource):
    """BigQuery itself, or the API at `api_endpoint`, which is asked without credentials."""

    api_endpoint: str | None = Field(default=None, description="Where another server answers BigQuery's API.")
    pipeline: str = Field(default="payments", description="What jobs are labelled with.")
    bytes_billed: dict[str, int] = Field(default={}, description="What a job may be billed, by what it is for.")

    @classmethod
    def from_job_settings(cls, settings: JobSettings) -> "PaymentsBigQueryResource":
        """The warehouse that the streaming job publishes to."""
        return cls(
            project=settings.project,
            location=settings.location,
            api_endpoint=settings.emulator_host,
            pipeline=settings.pipeline,
            bytes_billed={str(work): most_bytes(settings, work) for work in Work},
        )

    @contextmanager
    def get_client(self, work: Work = Work.PLATFORM) -> Iterator[bigquery.Client]:
        """A client that is closed at the end, and whose jobs say what they are for."""
        if self.api_endpoint is None:
            with super().get_client() as client:
                self._prepare(client, work)
                yield client
            return
        with bigquery.Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=self.api_endpoint),
        ) as client:
            self._prepare(client, work)
            yield client

    def _prepare(self, client: bigquery.Client, work: Work) -> None:
        prepare_jobs(client, self.pipeline, work, self.bytes_billed.get(work, LEAST_BYTES))
