"""A sandbox of a stack: a topic, a dataset and a checkpoint of one's own, and what is done in it.

Belongs here: sending, draining, reading back. Does not belong here: starting broker and warehouse (own_stack), what
a scenario shows. Tests that need a real stack work in such a sandbox too.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import Place, Row

if TYPE_CHECKING:
    from google.cloud import bigquery
    from pyspark.sql import SparkSession

    from simulator.config import SimulationConfig
    from simulator.sending.manifest import Manifest
    from spark_jobs.publishing.control import Control


_ACKNOWLEDGED_SECONDS = 30
_numbers = itertools.count(1)


@dataclass
class Sandbox:
    """One sandbox of a stack; `folder` is its own."""

    settings: JobSettings
    spark: "SparkSession"
    folder: Path
    client: "bigquery.Client"

    @classmethod
    def make(cls, shared: JobSettings, spark: "SparkSession", folder: Path, partitions: int = 2) -> Self:
        """A new sandbox of the stack that `shared` describes."""
        from local_stack.kafka import ensure_topic
        from spark_jobs.warehouse.client import connect

        number = next(_numbers)
        settings = replace(shared.in_one_dataset(f"payment_data_{number}"), topic=f"payments-{number}")
        ensure_topic(settings.bootstrap_servers, settings.topic, partitions=partitions)
        sandbox = cls(settings, spark, folder, connect(settings))
        sandbox.keep_below(folder.as_uri())
        return sandbox

    def keep_below(self, root: str) -> None:
        """Keep all that is kept beside the warehouse below a URI."""
        self.settings = replace(
            self.settings,
            checkpoint_location=f"{root}/checkpoints",
            staging_location=f"{root}/staging",
            delta_location=f"{root}/delta",
        )

    def control(self) -> "Control":
        """The control row. Raises LookupError before the first run."""
        from spark_jobs.warehouse.control_row import read_control

        control = read_control(self.client, self.settings)
        if control is None:
            raise LookupError(f"no run has begun in {self.settings.dataset}")
        return control

    def ask(self, sql: str, **parameters: Any) -> list[Row]:
        """Rows of a statement in which `{table}` is a table of ours, and `{dataset}` where dbt's are."""
        from spark_jobs.tables.names import dataset_of, sql_names
        from spark_jobs.warehouse.client import run

        dataset = dataset_of(self.settings, catalog.Layer.MARTS)
        return run(self.client, sql.format(dataset=dataset, **sql_names(self.settings)), parameters)

    def rows(self, table: catalog.Table, columns: str = "*") -> list[Row]:
        """All rows of a table."""
        return self.ask(f"select {columns} from {{{table.name}}}")

    def deliveries(self) -> dict[Place, Row]:
        """Every delivery by partition and offset. Raises LookupError where one is stored twice."""
        rows = self.rows(catalog.DELIVERIES)
        found = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
        if len(found) != len(rows):
            raise LookupError(f"of {len(rows)} deliveries {len(rows) - len(found)} are stored twice")
        return found

    def dispositions(self) -> dict[Place, str]:
        """What every delivery became."""
        return {place: row["disposition"] for place, row in self.deliveries().items()}

    def drain(self, on_batch: Callable[[BatchReport], None] | None = None, **changes: Any) -> list[BatchReport]:
        """One run of the streaming job, in this process; `changes` are settings that differ for it."""
        from spark_jobs.process_payments import drain

        return drain(self.spark, replace(self.settings, **changes), on_batch=on_batch)

    def simulate(self, events: int, seed: int) -> "Manifest":
        """Send a simulation; what was acknowledged."""
        from simulator.config import SimulationConfig

        return self.send_simulated(SimulationConfig(events=events, seed=seed))

    def send_simulated(self, config: "SimulationConfig") -> "Manifest":
        """Send a simulation of any kind; what was acknowledged."""
        from simulator.sending.manifest import read_manifest
        from simulator.sending.simulate import simulate

        path = self.folder / f"manifest-{config.seed}.jsonl"
        simulate(config, self.settings.bootstrap_servers, self.settings.topic, path)
        return read_manifest(path)

    def send(
        self,
        values: Iterable[bytes | None],
        partition: int = 0,
        key: bytes = b"sender",
        headers: Sequence[tuple[str, bytes | None]] = (),
    ) -> list[Place]:
        """Send values as they are, all with one key and the same headers; returns where each came to lie."""
        from spark_jobs.source.connection import producer

        sender = producer(self.settings.bootstrap_servers)
        try:
            to = {"key": key, "partition": partition, "headers": list(headers)}
            sent = [sender.send(self.settings.topic, value, **to) for value in values]
            sender.flush()
            return [(partition, future.get(timeout=_ACKNOWLEDGED_SECONDS).offset) for future in sent]
        finally:
            sender.close()


def event(transaction_id: str, minutes_ago: float = 0, **changes: str) -> bytes:
    """A valid payment's value, made so long ago."""
    return event_at(transaction_id, datetime.now(UTC) - timedelta(minutes=minutes_ago), **changes)


def event_at(transaction_id: str, moment: datetime, **changes: str) -> bytes:
    """A valid payment's value, made at that moment."""
    fields = {
        "transaction_id": transaction_id,
        "event_time": moment.isoformat(),
        "sender_account_id": "sender",
        "receiver_account_id": "receiver",
        "amount": "12.30",
        "currency": "EUR",
    } | changes
    return ("{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items()) + "}").encode()
