"""Datasets of certify's own: made, asked in, and gone at the end, whatever happened.

Belongs here: the datasets, running statements in it, sessions. Does not belong here: what is asked (statements,
batches). If the process is killed, BigQuery drops the tables after EXPIRES_HOURS.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import JobSettings
from spark_jobs.tables.names import full_name

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

PREFIX = "payments_certify_"
EXPIRES_HOURS = 24


@dataclass(frozen=True)
class Ground:
    """A client, and settings whose datasets and folders are certify's alone."""

    client: "Client"
    settings: JobSettings

    @property
    def is_local(self) -> bool:
        """Whether a stand-in answers."""
        return self.settings.emulator_host is not None

    def name(self, table: str) -> str:
        """A table, as statements write it."""
        return f"`{full_name(self.settings, table)}`"

    def run(self, sql: str, session_id: str | None = None, **values: Any) -> list[dict[str, Any]]:
        """The rows of a statement or script."""
        from spark_jobs.warehouse.client import run

        return run(self.client, sql, values, session_id=session_id)

    def count(self, table: str, session_id: str | None = None) -> int:
        """How many rows a table has."""
        [row] = self.run(f"select count(*) as n from {self.name(table)}", session_id)
        return int(row["n"])

    def refusal(self, sql: str, session_id: str | None = None, **values: Any) -> str | None:
        """What a statement is refused with; None where it is not."""
        from google.api_core.exceptions import GoogleAPICallError

        try:
            self.run(sql, session_id, **values)
        except GoogleAPICallError as error:
            return " ".join(str(error).split())
        return None

    @contextmanager
    def transaction(self) -> Iterator[str]:
        """A session in a transaction; it is ended at the end."""
        from spark_jobs.warehouse.snapshot import snapshot

        with snapshot(self.client) as session_id:
            yield session_id


@contextmanager
def ground(job: JobSettings) -> Iterator[Ground]:
    """A dataset that nobody else has, deleted with all that is in it; a second one where raw records have their own."""
    from google.cloud import bigquery

    from spark_jobs.streaming import staged_files
    from spark_jobs.warehouse.client import connect
    from spark_jobs.warehouse.job_labels import Work
    from spark_jobs.warehouse.retries import bounds, failures

    name = f"{PREFIX}{datetime.now(UTC):%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
    settings = replace(
        job,
        dataset=name,
        raw_dataset=f"{name}_raw" if job.raw_dataset else "",
        marts_dataset="",
        pipeline=name,
        staging_location=f"{job.staging_location}/{name}",
        planned_per_second=1,
        planned_days=1,
    )
    with connect(settings, Work.PLATFORM) as client, ExitStack() as made:
        for dataset in (bigquery.Dataset(f"{settings.project}.{each}") for each in settings.datasets):
            dataset.location = settings.location
            dataset.default_table_expiration_ms = EXPIRES_HOURS * 3_600_000
            client.create_dataset(dataset, **bounds())
            made.callback(client.delete_dataset, dataset, delete_contents=True, not_found_ok=True, **bounds())
        try:
            yield Ground(client, settings)
        finally:
            with suppress(OSError, *failures()):
                staged_files.sweep(settings.staging_location)
