"""The session as `make setup` prepared it."""

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.session import archive_path


def test_the_sessions_jvm_maps_the_classes_that_setup_archived(spark: SparkSession, home: Path) -> None:
    gateway: Any = spark.sparkContext._gateway
    mapped = Path(f"/proc/{gateway.proc.pid}/maps").read_text()
    assert str(archive_path(home).resolve()) in mapped
