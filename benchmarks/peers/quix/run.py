"""Quix Streams: a stateful filter that lets the first of each id through, into Parquet files.

As "Stateful Processing" of its documentation has it: state in RocksDB with a changelog topic, `ttl=` where keys must be
forgotten. The topic is keyed by sender and a retry keeps its sender, so no repartitioning is needed. Its default
guarantee is at-least-once; exactly-once holds only from Kafka to Kafka ("Configuring Exactly-Once Processing"). The
consumer group belongs to the state's folder: a process that is started again finds offsets and changelog by it.
"""

import os
import time
import zlib
from datetime import timedelta
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition
from protocol import Job, main
from quixstreams import Application, State
from quixstreams.sinks.community.file.formats import ParquetFormat
from quixstreams.sinks.community.file.local import LocalFileSink

LACKS = (
    "at least once: a crash writes files again; drops duplicates, uncounted; keeps the first to arrive; "
    "amounts and times stay text; no reasons, no ledger, no proof by offset"
)

WINDOW = timedelta(hours=1)
COORDINATOR_SECONDS = 30


def is_first(payment: dict[str, Any], state: State) -> bool:
    """Whether this sender has not sent this id before."""
    transaction_id = payment["transaction_id"]
    if state.exists(transaction_id):
        return False
    state.set(transaction_id, True, ttl=WINDOW)
    return True


def committed(job: Job, group: str) -> dict[int, int]:
    """The offset of each partition up to which the group is done."""
    asker = Consumer({"bootstrap.servers": job.bootstrap_servers, "group.id": group})
    partitions = [TopicPartition(job.topic, partition) for partition in job.ends]
    deadline = time.monotonic() + COORDINATOR_SECONDS
    try:
        while True:
            try:
                return {one.partition: max(one.offset, 0) for one in asker.committed(partitions, timeout=10)}
            except KafkaException:
                # A broker that has just begun says NOT_COORDINATOR until it has read its groups.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
    finally:
        asker.close()


def drain(job: Job) -> None:
    """Until the last message of every partition is processed."""
    group = f"quix-{zlib.crc32(bytes(job.state)):08x}"
    done = committed(job, group)
    waiting = {partition for partition, end in job.ends.items() if done[partition] < end}
    if not waiting:
        return

    def processed(_topic: str, partition: int, offset: int) -> None:
        if offset + 1 >= job.ends[partition]:
            waiting.discard(partition)
            if not waiting:
                application.stop()

    application = Application(
        broker_address=job.bootstrap_servers,
        consumer_group=group,
        auto_offset_reset="earliest",
        state_dir=job.state,
        on_message_processed=processed,
        loglevel="ERROR",
    )
    topic = application.topic(job.topic, key_deserializer="str", value_deserializer="json")
    (
        application.dataframe(topic)
        .filter(is_first, stateful=True)
        .sink(LocalFileSink(directory=os.path.relpath(job.output), format=ParquetFormat()))
    )
    application.run()


if __name__ == "__main__":
    main(drain, LACKS)
