"""Where a pipeline's state is kept and its batches are committed: the warehouse, or Delta tables alone.

Belongs here: what a run asks of such a store, and the warehouse's answers. Does not belong here: Delta's
(delta_store.py), which is imported only where it is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from spark_jobs.corrections.accepted_gaps import record_incident
from spark_jobs.driver.checkpoint import Interval
from spark_jobs.incidents import Incident
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.publish_sql import Batch
from spark_jobs.sinks.bigquery.published_ids import seed_state
from spark_jobs.sinks.bigquery.publisher import Publisher
from spark_jobs.streaming.plan import Locations
from spark_jobs.warehouse import client as warehouse
from spark_jobs.warehouse.client import Control, connect

if TYPE_CHECKING:
    from google.cloud.bigquery import Client


class BatchPublisher(Protocol):
    """Publishes batch after batch under one epoch."""

    @property
    def control(self) -> Control:
        """What the store held after the last one."""

    def is_published(self, interval: Interval) -> bool:
        """Whether a batch that Spark replays is published already."""

    def publish(self, batch: Batch) -> BatchReport:
        """Commit one batch; raises CheckpointUnusable or Incident."""


class Store(Protocol):
    """The one authority on what is published."""

    def prepare(self) -> None:
        """Make whatever is missing."""

    def read_control(self) -> Control | None:
        """The pipeline's state; None before its first run."""

    def raise_epoch(self, holder: str, first: Control) -> Control:
        """Take over: from here on every older run's publication fails. `first` is the state to begin with."""

    def sweep(self) -> None:
        """Remove what runs that died have left behind."""

    def start_generation(self, control: Control, generation: str) -> None:
        """Note that the pipeline goes on with a new checkpoint; raises an Incident where the epoch is not ours."""

    def seed_state(self, control: Control, locations: Locations) -> int:
        """Write the seeds of a new checkpoint; how many ids they hold."""

    def record(self, incident: Incident, epoch: int | None) -> None:
        """Put an incident on record, if that is possible."""

    def publisher(self, control: Control) -> BatchPublisher:
        """What publishes batches from this state on."""


class WarehouseStore:
    """The warehouse, and Delta tables that follow it where they are asked for."""

    def __init__(self, client: "Client", settings: JobSettings) -> None:
        self._client = client
        self._settings = settings

    def prepare(self) -> None:
        """Create missing tables."""
        warehouse.ensure_tables(self._client, self._settings)

    def read_control(self) -> Control | None:
        """The control row."""
        return warehouse.read_control(self._client, self._settings)

    def raise_epoch(self, holder: str, first: Control) -> Control:
        """By the control row."""
        return warehouse.raise_epoch(self._client, self._settings, holder=holder, first=first)

    def sweep(self) -> None:
        """Drop staging tables."""
        warehouse.sweep_staging(self._client, self._settings)

    def start_generation(self, control: Control, generation: str) -> None:
        """By the control row."""
        warehouse.start_generation(self._client, self._settings, control, generation)

    def seed_state(self, control: Control, locations: Locations) -> int:
        """From the published payments."""
        return seed_state(self._client, self._settings, control, locations)

    def record(self, incident: Incident, epoch: int | None) -> None:
        """In pipeline_incidents."""
        record_incident(self._client, self._settings, incident, epoch)

    def publisher(self, control: Control) -> BatchPublisher:
        """One transaction per batch; then, where asked for, Delta."""
        publisher = Publisher(self._client, self._settings, control)
        if not self._settings.has_delta:
            return publisher
        from spark_jobs.sinks.delta.mirror import MirroredPublisher

        return MirroredPublisher(publisher, self._client, self._settings)


@contextmanager
def open_store(settings: JobSettings) -> Iterator[Store]:
    """The store that the settings name; with several sinks it is the warehouse."""
    if settings.has_warehouse:
        with connect(settings) as client:
            yield WarehouseStore(client, settings)
    else:
        from spark_jobs.sinks.delta.store import DeltaStore

        yield DeltaStore(settings)
