"""The topic as a stream of records: Spark's Kafka source and its options, each with its why.

Belongs here: what Spark is told of Kafka. Does not belong here: what the broker says of the topic (topic), reading
records without Spark (ranges), what becomes of them (streaming).
"""

from typing import TYPE_CHECKING

from spark_jobs.settings import JobSettings
from spark_jobs.source.connection import read_connection
from spark_jobs.source.offsets import offsets_to_json

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


_CREATE_TIME = 0
"""Kafka's number for a timestamp that the sender set; the broker's own is 1."""


def read_kafka(
    spark: "SparkSession", settings: JobSettings, start: dict[int, int], limit: int, topic_id: str | None = None
) -> "DataFrame":
    """The topic as a stream, a batch of `limit` records at a time, and parsing's CLOCK.

    Args:
        spark: the session.
        settings: of the job.
        start: offsets by partition; they matter to a generation's first query only: then the checkpoint knows.
        limit: the most records of a batch.
        topic_id: where given, Spark goes on with the consumers of the query before on this very topic, and with what
            they have fetched ahead; each query would otherwise connect its own, which a small batch waits for. Nothing
            is committed for their group, and nobody joins it: partitions are assigned.
    """
    from pyspark.sql import functions as sql

    options = {
        "kafka.bootstrap.servers": settings.bootstrap_servers,
        "subscribe": settings.topic,
        "startingOffsets": f'{{"{settings.topic}":{offsets_to_json(start)}}}',
        "maxOffsetsPerTrigger": str(limit),
        # A task to a partition would have one core parse all that a hot key sends while the others wait.
        "maxRecordsPerPartition": str(settings.max_records_per_task),
        "failOnDataLoss": "true",
        "includeHeaders": "true",
        "kafka.isolation.level": "read_committed",
        # A broker waits so long for more bytes before it answers: each task of a small batch would wait as well.
        "kafka.fetch.max.wait.ms": "1",
        # Kafka's defaults ask for 500 records at a time: a batch would be hundreds of round trips a partition.
        "kafka.max.poll.records": "10000",
        "kafka.max.partition.fetch.bytes": str(8 << 20),
        "kafka.receive.buffer.bytes": str(1 << 20),
    } | ({"kafka.group.id": f"{settings.pipeline}-{topic_id}"} if topic_id else {})
    options = {f"kafka.{name}": value for name, value in read_connection().java().items()} | options
    records = spark.readStream.format("kafka").options(**options).load()
    # In a stream it is when the batch was planned, which Spark's offset log keeps: a replayed batch has the same.
    return records.withColumn("clock", sql.when(records["timestampType"] == _CREATE_TIME, sql.current_timestamp()))
