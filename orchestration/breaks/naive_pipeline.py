"""The pipeline of many tutorials: read, write, then remember how far. It is here to be compared with, and to fail.

Belongs here: that pipeline, as short as they show it. Does not belong here: anything that mends it. Between the write
and the memory of it lies the double money. It holds no record against an older one either, so each retry counts.
"""

import json
from decimal import Decimal
from typing import TYPE_CHECKING

from orchestration.scenarios.harness.sandbox import Sandbox

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

BATCH = 100
TABLE = "naive_payments"
"""Beside our tables."""


class Died(Exception):
    """The process would be gone here."""


class NaivePipeline:
    """One partition, one table, and a file that says which offset is next."""

    def __init__(self, sandbox: Sandbox) -> None:
        from google.cloud import bigquery

        from spark_jobs.warehouse.table_setup import make_dataset

        self._sandbox = sandbox
        self._file = sandbox.folder / "naive-offset"
        self._table = f"{sandbox.settings.project}.{sandbox.settings.dataset}.{TABLE}"
        schema = [bigquery.SchemaField("transaction_id", "STRING"), bigquery.SchemaField("amount_minor", "INT64")]
        make_dataset(sandbox.client, sandbox.settings)
        sandbox.client.create_table(bigquery.Table(self._table, schema))

    def run(self, *, dies_in_batch: int = 0) -> None:
        """Read to the end. In that batch it dies after the write, before it remembers the offset.

        Raises:
            Died: there.
        """
        batch = 0
        while records := self._read():
            batch += 1
            self._write(records)
            if batch == dies_in_batch:
                raise Died
            self._file.write_text(str(records[-1].offset + 1))

    def total(self) -> int:
        """The money that it counts, in minor units."""
        [row] = self._sandbox.ask(f"select sum(amount_minor) as total from `{{dataset}}.{TABLE}`")
        return int(row["total"])

    def _read(self) -> "list[ConsumerRecord]":
        from kafka import TopicPartition

        from spark_jobs.source.connection import consumer

        job = self._sandbox.settings
        partition = TopicPartition(job.topic, 0)
        client = consumer(job.bootstrap_servers)
        try:
            client.assign([partition])
            start = int(self._file.read_text()) if self._file.exists() else 0
            end = min(client.end_offsets([partition])[partition], start + BATCH)
            client.seek(partition, start)
            records: list[ConsumerRecord] = []
            while start + len(records) < end:
                polled = client.poll(timeout_ms=1000, max_records=end - start - len(records))
                records += polled.get(partition, [])
            return records
        finally:
            client.close()

    def _write(self, records: "list[ConsumerRecord]") -> None:
        from google.cloud import bigquery

        payments = [json.loads(record.value) for record in records]
        rows = [
            {"transaction_id": payment["transaction_id"], "amount_minor": int(Decimal(payment["amount"]) * 100)}
            for payment in payments
        ]
        config = bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")
        self._sandbox.client.load_table_from_json(rows, self._table, job_config=config).result()
