"""A loop by hand: confluent-kafka, DuckDB, numpy, Parquet. No checkpoint: the floor, and what it would cost to beat it.

confluent-kafka's `consume` for many messages at a time, DuckDB's typed `from_json` on an Arrow column, sorted 64-bit
hashes of the ids seen so far, one Parquet file per chunk.
"""

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka import Consumer, TopicPartition
from protocol import Job, main

LACKS = (
    "no checkpoint: a crash loses the place and the ids seen; nothing is forgotten; two ids of one 64-bit hash lose a "
    "payment; drops duplicates, uncounted; keeps the first to arrive; no reasons, no ledger, no proof by offset"
)

CHUNK = 50_000
FIELDS = {
    "transaction_id": "varchar",
    "event_time": "timestamptz",
    "sender_account_id": "varchar",
    "receiver_account_id": "varchar",
    "amount": "decimal(38, 9)",
    "currency": "varchar",
    "country": "varchar",
    "device_id": "varchar",
    "device_type": "varchar",
    "ip_address": "varchar",
    "payment_method": "varchar",
    "merchant_category": "varchar",
}
SHAPE = "{" + ", ".join(f'"{name}": "{kind}"' for name, kind in FIELDS.items()) + "}"
PARSE = f"""
    select hash(payment.transaction_id) as id_hash, payment.*
    from (select from_json(value::varchar, '{SHAPE}') as payment from chunk)
    """


class Seen:
    """Sorted arrays of the hashes of all ids so far, merged when they come to be of like size."""

    def __init__(self) -> None:
        self._levels: list[np.ndarray] = []

    def first(self, hashes: np.ndarray) -> np.ndarray:
        """The indexes of those that were never there before; they are from now on."""
        unique, index = np.unique(hashes, return_index=True)
        is_new = np.ones(len(unique), dtype=bool)
        for level in self._levels:
            at = np.minimum(np.searchsorted(level, unique), len(level) - 1)
            is_new &= level[at] != unique
        fresh = unique[is_new]
        if len(fresh):
            while self._levels and len(self._levels[-1]) <= 3 * len(fresh):
                fresh = np.sort(np.concatenate([self._levels.pop(), fresh]), kind="stable")
            self._levels.append(fresh)
        return np.sort(index[is_new])


def drain(job: Job) -> None:
    """Chunk by chunk, until every partition is at its end."""
    consumer = Consumer(
        {
            "bootstrap.servers": job.bootstrap_servers,
            "group.id": "duckdb-loop",
            "enable.auto.commit": False,
            "fetch.min.bytes": 100_000,
            "queued.max.messages.kbytes": 131_072,
        }
    )
    consumer.assign([TopicPartition(job.topic, partition, 0) for partition in job.ends])
    database, seen, left, number = duckdb.connect(), Seen(), job.records, 0
    database.execute("set timezone = 'UTC'")
    while left:
        messages = consumer.consume(min(CHUNK, left), 0.5)
        if not messages:
            continue
        values = []
        for message in messages:
            if message.error():
                raise RuntimeError(message.error())
            values.append(message.value())
        left -= len(values)
        chunk = pa.table({"value": pa.array(values, pa.binary()).cast(pa.string())})  # noqa: F841 - read by PARSE
        parsed = database.execute(PARSE).to_arrow_table()
        rows = parsed.take(pa.array(seen.first(parsed["id_hash"].to_numpy()))).drop_columns(["id_hash"])
        pq.write_table(rows, job.output / f"{number:06d}.parquet")
        number += 1
    consumer.close()


if __name__ == "__main__":
    main(drain, LACKS)
