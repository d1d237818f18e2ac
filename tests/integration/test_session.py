"""The session as `make setup` prepared it."""

from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.driver.spark_session import archive_path, interpreted


def test_the_sessions_jvm_maps_the_classes_that_setup_archived(spark: SparkSession, home: Path) -> None:
    gateway: Any = spark.sparkContext._gateway
    mapped = Path(f"/proc/{gateway.proc.pid}/maps").read_text()
    assert str(archive_path(home).resolve()) in mapped


def test_a_query_that_was_started_interpreted_stays_so_and_no_other_is(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "some.txt").write_text("a line")
    modes: list[str | None] = []

    def note_mode(rows: DataFrame, _batch: int) -> None:
        modes.append(rows.sparkSession.conf.get("spark.sql.codegen.factoryMode"))
        assert [row.value for row in rows.collect()] == ["a line"]

    lines = spark.readStream.text((tmp_path / "lines").as_uri()).writeStream.foreachBatch(note_mode)
    before = spark.conf.get("spark.sql.codegen.factoryMode")
    with interpreted(spark):
        first = lines.trigger(availableNow=True).option("checkpointLocation", str(tmp_path / "first")).start()
    assert spark.conf.get("spark.sql.codegen.factoryMode") == before
    second = lines.trigger(availableNow=True).option("checkpointLocation", str(tmp_path / "second")).start()
    first.awaitTermination()
    second.awaitTermination()
    assert sorted(map(str, modes)) == sorted(["NO_CODEGEN", str(before)])
