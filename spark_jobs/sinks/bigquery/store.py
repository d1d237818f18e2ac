"""BigQuery as a store: the warehouse is the one authority on what is published.

Belongs here: each method of the protocol (publishing), by the warehouse's own functions, its failures as incidents.
Does not belong here: SQL, publishing a batch.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.control import Control
from spark_jobs.publishing.protocol import BatchPublisher
from spark_jobs.reading.contracts import Contract
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.bigquery.contract_log import record_contract
from spark_jobs.sinks.bigquery.incident_log import record_incident
from spark_jobs.sinks.bigquery.published_ids import seed_state
from spark_jobs.sinks.bigquery.publisher import Publisher
from spark_jobs.streaming.locations import Locations
from spark_jobs.warehouse import control_row, table_setup
from spark_jobs.warehouse.retries import bounds, failures, failures_as_incidents

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

type Wrap = Callable[[BatchPublisher], BatchPublisher]
"""Puts something around a publisher, such as a mirror of its batches."""


class WarehouseStore:
    """The warehouse. Every method but `record` raises an Incident where the warehouse refuses or is silent."""

    def __init__(self, client: "Client", settings: JobSettings, wrap: Wrap = lambda publisher: publisher) -> None:
        self._client = client
        self._settings = settings
        self._wrap = wrap

    @failures_as_incidents()
    def prepare(self, contract: Contract) -> None:
        """Create missing tables, and write down the contract."""
        table_setup.ensure_tables(self._client, self._settings)
        record_contract(self._client, self._settings, contract)

    @failures_as_incidents()
    def read_control(self) -> Control | None:
        """The control row."""
        return control_row.read_control(self._client, self._settings)

    @failures_as_incidents()
    def raise_epoch(self, holder: str, first: Control) -> Control:
        """By one MERGE of the control row, then read back."""
        return control_row.raise_epoch(self._client, self._settings, holder=holder, first=first)

    def sweep(self, control: Control) -> None:
        """Drop staging tables; where that fails the next run does it."""
        with suppress(*failures()):
            left = table_setup.staging_tables(self._client, self._settings)
            # Asked for afterwards: as long as the epoch is ours none of those seen is of a run that took over.
            now = control_row.read_control(self._client, self._settings) if left else control
            if now is None or now.epoch != control.epoch:
                raise Incident(IncidentKind.FENCED, "another run took over the pipeline; this one leaves it alone.")
            for staging in left:
                self._client.delete_table(staging, not_found_ok=True, **bounds())

    @failures_as_incidents()
    def start_generation(self, control: Control, generation: str) -> None:
        """By one UPDATE of the control row, then read back."""
        control_row.start_generation(self._client, self._settings, control, generation)

    @failures_as_incidents()
    def seed_state(self, control: Control, locations: Locations) -> int:
        """From the published payments since the watermark."""
        return seed_state(self._client, self._settings, control, locations)

    def record(self, incident: Incident, epoch: int | None) -> None:
        """In pipeline_incidents."""
        record_incident(self._client, self._settings, incident, epoch)

    @failures_as_incidents()
    def publisher(self, control: Control) -> BatchPublisher:
        """One load job and one transaction for a batch."""
        return self._wrap(Publisher(self._client, self._settings, control))
