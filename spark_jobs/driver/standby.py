"""A run that stands by: warmed up before it waits for its turn.

Belongs here: warming a session up. Does not belong here: whose turn it is (turns), fencing, which is the epoch's
(publishing).
"""

from typing import TYPE_CHECKING

from spark_jobs.driver.generations import warm_up_locations
from spark_jobs.file_systems import delete_folder
from spark_jobs.settings import JobSettings
from spark_jobs.sinks.open_store import open_store
from spark_jobs.source.topic import TopicReader
from spark_jobs.streaming.plan import tallies_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

WARM_UP_RECORDS = 200


def warm_up(spark: "SparkSession", settings: JobSettings) -> None:
    """Take the newest records through the whole plan, into a folder that is thrown away: nothing is published.

    A session's first batch is many times slower than its second; this is that first batch. The warehouse is asked once
    for its client's sake, whose modules take a second to load.
    """
    from spark_jobs.source.stream import read_kafka

    with open_store(settings) as store:
        store.read_control()
    with TopicReader(settings.bootstrap_servers, settings.topic) as reader:
        topic = reader.read()
    start = {p: max(topic.earliest[p], latest - WARM_UP_RECORDS) for p, latest in topic.latest.items()}
    # What arrives until the query begins is read too: in the same batch, not in hundreds of so few.
    limit = settings.max_offsets_per_batch
    put_through(read_kafka(spark, settings, start, limit), settings)


def put_through(records: "DataFrame", settings: JobSettings) -> None:
    """Take a stream of KAFKA_COLUMNS through the whole plan, into a folder that is thrown away.

    It lies beside the checkpoints: where executors find those, they find it.
    """
    locations = warm_up_locations(settings)
    try:
        query = (
            tallies_of(records, locations, settings.state_buckets, delay=settings.watermark_microseconds)
            .writeStream.queryName(f"{settings.pipeline}-warm-up")
            .outputMode("append")
            .option("checkpointLocation", locations.spark)
            .trigger(availableNow=True)
            .foreachBatch(_evaluate)
            .start()
        )
        query.awaitTermination()
    finally:
        delete_folder(locations.checkpoint)


def _evaluate(tallies: "DataFrame", _batch_id: int) -> None:
    tallies.collect()
