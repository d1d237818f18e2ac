"""A real stack that all integration tests share, and a corner of it for each test: topic, dataset and checkpoint."""

import itertools
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from google.cloud import bigquery
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from local_stack.kafka import ensure_topic
from simulator.config import SimulationConfig
from simulator.manifest import Manifest, read_manifest
from simulator.simulate import simulate
from spark_jobs import tables
from spark_jobs.delta_tables import query, uri_of
from spark_jobs.process_payments import drain
from spark_jobs.report import BatchReport
from spark_jobs.settings import JobSettings
from spark_jobs.warehouse import Control, connect, read_control, run, table_id

_numbers = itertools.count(1)

Row = dict[str, Any]


@dataclass
class World:
    """One test's corner of the shared stack."""

    settings: JobSettings
    spark: SparkSession
    folder: Path
    client: bigquery.Client

    @classmethod
    def make(cls, shared: JobSettings, spark: SparkSession, folder: Path, partitions: int = 2) -> "World":
        number = next(_numbers)
        settings = replace(
            shared,
            topic=f"payments-{number}",
            dataset=f"payment_data_{number}",
            checkpoint_location=(folder / "checkpoints").as_uri(),
            staging_location=(folder / "staging").as_uri(),
            delta_location=(folder / "delta").as_uri(),
        )
        ensure_topic(settings.bootstrap_servers, settings.topic, partitions=partitions)
        return cls(settings, spark, folder, connect(settings))

    def control(self) -> Control:
        control = read_control(self.client, self.settings)
        assert control is not None
        return control

    def rows(self, table: tables.Table, columns: str = "*") -> list[Row]:
        return run(self.client, f"select {columns} from `{table_id(self.settings, table)}`", {})

    def delta_rows(self, table: tables.Table) -> list[Row]:
        """What Delta holds; nothing where the table was never made."""
        uri = uri_of(self.settings, table)
        batches = query(DeltaTable(uri), "select * from t") if DeltaTable.is_deltatable(uri) else ()
        return [row for batch in batches for row in batch.to_pylist()]

    def deliveries(self) -> dict[tuple[int, int], Row]:
        """Every delivery by (partition, offset); a doubled one fails the test that asks."""
        rows = self.rows(tables.DELIVERIES)
        found = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
        assert len(found) == len(rows)
        return found

    def dispositions(self) -> dict[tuple[int, int], str]:
        return {place: row["disposition"] for place, row in self.deliveries().items()}

    def drain(self, on_batch: Callable[[BatchReport], None] | None = None, **changes: Any) -> list[BatchReport]:
        return drain(self.spark, replace(self.settings, **changes), on_batch=on_batch)

    def simulate(self, events: int, seed: int) -> Manifest:
        path = self.folder / f"manifest-{seed}.jsonl"
        config = SimulationConfig(events=events, seed=seed)
        simulate(config, self.settings.bootstrap_servers, self.settings.topic, path)
        return read_manifest(path)

    def send(self, values: Iterable[bytes | None], partition: int = 0) -> list[tuple[int, int]]:
        """Send values as they are; returns where each came to lie."""
        producer = KafkaProducer(bootstrap_servers=self.settings.bootstrap_servers, enable_idempotence=True, acks="all")
        try:
            sent = [producer.send(self.settings.topic, value, key=b"sender", partition=partition) for value in values]
            producer.flush()
            return [(partition, future.get(timeout=30).offset) for future in sent]
        finally:
            producer.close()

    def lose_checkpoint(self) -> None:
        shutil.rmtree(self.folder / "checkpoints")


def event(transaction_id: str, minutes_ago: float = 0, **changes: str) -> bytes:
    """A valid payment's value."""
    fields = {
        "transaction_id": transaction_id,
        "event_time": (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat(),
        "sender_account_id": "sender",
        "receiver_account_id": "receiver",
        "amount": "12.30",
        "currency": "EUR",
    } | changes
    return ("{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items()) + "}").encode()
