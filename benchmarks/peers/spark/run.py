"""Stock Spark Structured Streaming: from_json, a watermark, dropDuplicatesWithinWatermark, RocksDB, a Delta table.

As the Structured Streaming guide has it ("Streaming Deduplication"), with the state store that it advises for many keys
("RocksDB state store implementation") and the changelog checkpoints that Databricks advises for every stateful query
(docs.databricks.com, "Configure RocksDB state store"). One shuffle partition a core, batches and Kafka fetches as large
as ours: with the default of 200 partitions it is far slower.
"""

import os
import sys
from functools import cache

from protocol import Job, cores, jars, main
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json

LACKS = (
    "drops duplicates and late records, uncounted; keeps the first to arrive; no reasons, no ledger, no proof by offset"
)

MAX_OFFSETS = 800_000
SCHEMA = """
    transaction_id string, event_time timestamp, sender_account_id string, receiver_account_id string,
    amount decimal(38, 9), currency string, country string, device_id string, device_type string, ip_address string,
    payment_method string, merchant_category string
"""


@cache
def session() -> SparkSession:
    """One for both topics, as a service has."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    conf = {
        "spark.jars": ",".join(jars()),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.shuffle.partitions": str(cores()),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.streaming.stateStore.providerClass": (
            "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
        ),
        "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = SparkSession.builder.appName("stock-spark").master("local[*]")
    for key, value in conf.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def drain(job: Job) -> None:
    """Every record that is there, in micro-batches; of an endless topic, one batch after the other."""
    records = (
        session()
        .readStream.format("kafka")
        .option("kafka.bootstrap.servers", job.bootstrap_servers)
        .option("subscribe", job.topic)
        .option("startingOffsets", "earliest")
        .option("maxOffsetsPerTrigger", MAX_OFFSETS)
        .option("kafka.max.poll.records", 10_000)
        .option("kafka.max.partition.fetch.bytes", 8 << 20)
        .load()
    )
    (
        records.select(from_json(col("value").cast("string"), SCHEMA).alias("payment"))
        .select("payment.*")
        .withWatermark("event_time", "1 hour")
        .dropDuplicatesWithinWatermark(["transaction_id"])
        .writeStream.format("delta")
        .option("checkpointLocation", str(job.state))
        .trigger(**({"processingTime": "0 seconds"} if job.is_endless else {"availableNow": True}))
        .start(str(job.output))
        .awaitTermination()
    )


if __name__ == "__main__":
    main(drain, LACKS)
