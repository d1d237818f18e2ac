"""The protocol that a sink keeps: what a run asks of the place where its batches are committed.

Belongs here: the protocol and its contract. Does not belong here: any one sink (sinks).
"""

from typing import TYPE_CHECKING, Protocol

from spark_jobs.incidents import Incident
from spark_jobs.publishing.batch import Batch, Interval
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.publishing.control import Control
from spark_jobs.streaming.locations import Locations

if TYPE_CHECKING:
    pass


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
