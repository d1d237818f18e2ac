"""A batch as the publisher sees it, and a warehouse that only remembers what it was asked.

Belongs here: what several tests of publishing start from. Does not belong here: judging.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.cloud.bigquery import LoadJobConfig

from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.control import Control
from spark_jobs.settings import JobSettings, read_job_settings
from spark_jobs.streaming.tally import BatchTally

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
SETTINGS: JobSettings = read_job_settings({"PAYMENTS_HOME": "/srv/payments"})
CONTROL = Control(
    "payments", "payment-events", "id", 3, "run1", "g1", 7, {0: 10, 1: 20}, NOON - timedelta(hours=1), NOON
)
TALLY = BatchTally(
    uris=("file:///staging/a.parquet", "file:///staging/b.parquet"),
    partition_counts=Counter({(0, "UNIQUE"): 3, (0, "LATE"): 1, (1, "DUPLICATE"): 2, (2, "QUARANTINED"): 5}),
    amounts={("UNIQUE", "EUR"): (3, 2**63), ("QUARANTINED", ""): (5, 0)},
    timestamps=((11, (NOON_US, NOON_US + 1, NOON_US + 2)),),
    watermarks=frozenset({NOON_US - 3_600_000_000}),
    max_event_time=NOON_US + 1,
    state_keys=100,
    state_bytes=1_200,
)
INTERVAL = Interval({0: 10, 1: 20, 2: 0}, {0: 14, 1: 22, 2: 5})
BATCH = Batch(4, INTERVAL, TALLY, NOON, 1.5)


class FakeJob:
    """A job: what a look at its result gives, and how many looks it takes until it is done."""

    def __init__(self, failure: Exception | None = None, looks: int = 0) -> None:
        self.configuration = LoadJobConfig()
        self.failure = failure
        self.looks = looks

    def done(self, **_bounds: Any) -> bool:
        """Whether it is over."""
        self.looks -= 1
        return self.looks < 0

    def result(self, **_bounds: Any) -> None:
        """Wait for the job."""
        if self.failure:
            raise self.failure


@dataclass
class FakeClient:
    """Load jobs by id: those in `taken` are there already, `failures` come to new ones in order."""

    taken: dict[str, FakeJob] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def load_table_from_uri(
        self, uris: list[str], _table: str, *, job_id: str, job_config: Any, **_bounds: Any
    ) -> FakeJob:
        """Begin a load job."""
        from google.api_core.exceptions import Conflict

        assert uris == list(TALLY.uris)
        assert job_config.write_disposition == "WRITE_TRUNCATE"
        if job_id in self.taken:
            raise Conflict("Already Exists")  # type: ignore[no-untyped-call]
        self.begun.append(job_id)
        self.taken[job_id] = FakeJob(self.failures.pop(0) if self.failures else None)
        return self.taken[job_id]

    def get_job(self, job_id: str, **_bounds: Any) -> FakeJob:
        """A job, if it is there."""
        from google.api_core.exceptions import NotFound

        if job_id not in self.taken:
            raise NotFound("Not found: Job")  # type: ignore[no-untyped-call]
        self.looked_up.append(job_id)
        return self.taken[job_id]

    def delete_table(self, table: str, *, not_found_ok: bool, **_bounds: Any) -> None:
        """Delete a table."""
        assert not_found_ok
        self.deleted.append(table)
