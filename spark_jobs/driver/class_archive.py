"""What is made of classes before a session starts, by one JVM that ends: an archive, and the jar of our own class.

Usage: python -m spark_jobs.driver.class_archive, as `make setup` does. The archive has the classes that a session loads
in one file (class data sharing, JEP 350): the next JVM maps it, instead of reading and checking them one by one. A JVM
that it does not fit, being another one or having other jars, goes on without it. Without the jar of our class, Spark
handles a checkpoint's files in its own way. Belongs here: making both. Does not belong here: their use (spark_session).
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_jobs.driver.object_store.whole_files import write_jar
from spark_jobs.driver.spark_session import archive_path, build_session
from spark_jobs.driver.spark_version import checkpoint_package, spark_version
from spark_jobs.driver.standby import put_through
from spark_jobs.settings import payments_home, read_job_settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_RECORDS = 100

RECORD = {
    "partition": "0",
    "offset": "0L",
    "timestamp": "current_timestamp()",
    "key": "cast(value as binary)",
    "value": "cast(value as binary)",
    "headers": "cast(null as array<struct<key: string, value: binary>>)",
}
"""A line of text as if it were Kafka's: each of KAFKA_COLUMNS as an expression. What a record says does not matter."""

_EXIT_SECONDS = 300
"""A bound, not a wait: on a busy machine with two cores it has taken more than one minute."""


def make(home: Path) -> Path:
    """Put a few records through the whole plan in a JVM that writes down what it has loaded as it ends; the archive.

    The same JVM compiles WholeFiles.

    Raises:
        TimeoutExpired: the JVM did not end.
        FileNotFoundError: it wrote nothing.
    """
    from pyspark import SparkContext

    archive = archive_path(home)
    archive.parent.mkdir(parents=True, exist_ok=True)
    # A JVM that maps one writes none.
    archive.unlink(missing_ok=True)
    fresh = archive.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as checkpoints:
        # Nothing is left of it among the checkpoints: an image would ship that, and its user could not write there.
        settings = replace(read_job_settings({}), checkpoint_location=Path(checkpoints).as_uri())
        spark = build_session(settings, home, f'"-XX:ArchiveClassesAtExit={fresh}"')
        # Nothing public knows the JVM's process.
        gateway: Any = SparkContext._gateway
        put_through(_lines(spark, Path(folder)), settings)
    spark.stop()
    write_jar(gateway.jvm, home, spark_version(), checkpoint_package(spark_version()))
    gateway.shutdown()
    # The JVM ends by itself where nobody can write to it any more.
    gateway.proc.stdin.close()
    gateway.proc.wait(_EXIT_SECONDS)
    return fresh.rename(archive)


def _lines(spark: "SparkSession", folder: Path) -> "DataFrame":
    (folder / "records.txt").write_text("no payment\n" * _RECORDS)
    lines = spark.readStream.text(folder.as_uri())
    return lines.selectExpr(*(f"{expression} as {name}" for name, expression in RECORD.items()))


if __name__ == "__main__":
    make(payments_home())
