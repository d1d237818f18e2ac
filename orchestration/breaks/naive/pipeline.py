"""The pipeline of many tutorials: read, write, then remember how far. It is here to be compared with, and to fail.

Belongs here: that pipeline, as short as they show it. Does not belong here: anything that mends it. Between the write
and the memory of it lies the double money. Without a key it holds no record against an older one, so each retry counts.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestration.scenarios.harness.sandbox import Sandbox

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

BATCH = 100
TABLE = "naive_payments"
"""Beside our tables."""

type Payment = dict[str, Any]


class Died(Exception):
    """The process would be gone here."""


class NaivePipeline:
    """One partition, one table, and two files: which offset is next, and, with a key, which payments it has seen.

    Args:
        sandbox: where it reads and writes.
        key: what makes two records the same payment, once they are enriched; None: nothing does.
        enrich: what is added to a payment before it is held against the others.
        most_keys: of how many it can remember the key before its memory is full.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        key: Callable[[Payment], str] | None = None,
        enrich: Callable[[Payment], Payment] = dict,
        most_keys: int | None = None,
    ) -> None:
        from google.cloud import bigquery

        from spark_jobs.warehouse.table_setup import make_dataset

        self._sandbox, self._key, self._enrich, self._most_keys = sandbox, key, enrich, most_keys
        self._offset, self._seen = sandbox.folder / "naive-offset", sandbox.folder / "naive-state"
        self._table = f"{sandbox.settings.project}.{sandbox.settings.dataset}.{TABLE}"
        schema = [bigquery.SchemaField("transaction_id", "STRING"), bigquery.SchemaField("amount_minor", "INT64")]
        make_dataset(sandbox.client, sandbox.settings)
        sandbox.client.create_table(bigquery.Table(self._table, schema))

    def run(self, *, dies_in_batch: int = 0) -> None:
        """Read to the end. In that batch it dies after the write, before it remembers the offset.

        Raises:
            Died: there, or where its memory is full.
        """
        batch = 0
        while records := self._read():
            batch += 1
            seen = self.seen()
            payments = self._new([self._enrich(json.loads(record.value)) for record in records], seen)
            if self._most_keys is not None and len(seen) > self._most_keys:
                raise Died
            self._write(payments)
            if batch == dies_in_batch:
                raise Died
            self._seen.write_text(json.dumps(sorted(seen)))
            self._offset.write_text(str(records[-1].offset + 1))

    def seen(self) -> set[str]:
        """The keys that it remembers: all that it ever had, as nothing tells it when one may go."""
        return set(json.loads(self._seen.read_text())) if self._seen.exists() else set()

    def lose_its_disk(self) -> None:
        """As a container that is started anew, and whose files were its own."""
        self._offset.unlink(missing_ok=True)
        self._seen.unlink(missing_ok=True)

    def total(self) -> int:
        """The money that it counts, in minor units."""
        [row] = self._sandbox.ask(f"select sum(amount_minor) as total from `{{dataset}}.{TABLE}`")
        return int(row["total"] or 0)

    def _new(self, payments: list[Payment], seen: set[str]) -> list[Payment]:
        """Those whose key it has not seen, and from now on has."""
        if self._key is None:
            return payments
        found = []
        for payment in payments:
            key = self._key(payment)
            if key not in seen:
                found.append(payment)
                seen.add(key)
        return found

    def _read(self) -> "list[ConsumerRecord]":
        from kafka import TopicPartition

        from spark_jobs.source.connection import consumer

        job = self._sandbox.settings
        partition = TopicPartition(job.topic, 0)
        client = consumer(job.bootstrap_servers)
        try:
            client.assign([partition])
            start = int(self._offset.read_text()) if self._offset.exists() else 0
            end = min(client.end_offsets([partition])[partition], start + BATCH)
            client.seek(partition, start)
            records: list[ConsumerRecord] = []
            while start + len(records) < end:
                polled = client.poll(timeout_ms=1000, max_records=end - start - len(records))
                records += polled.get(partition, [])
            return records
        finally:
            client.close()

    def _write(self, payments: list[Payment]) -> None:
        from google.cloud import bigquery

        rows = [
            {"transaction_id": payment["transaction_id"], "amount_minor": int(Decimal(payment["amount"]) * 100)}
            for payment in payments
        ]
        if rows:
            config = bigquery.LoadJobConfig(write_disposition="WRITE_APPEND")
            self._sandbox.client.load_table_from_json(rows, self._table, job_config=config).result()
