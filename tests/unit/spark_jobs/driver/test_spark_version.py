"""Which Spark runs, and where it has what we name."""

import zipfile
from importlib.metadata import version
from pathlib import Path

import pyspark
import pytest

from spark_jobs.driver.checkpoint import Checkpoint
from spark_jobs.driver.spark_session import FILE_MANAGER, spark_conf
from spark_jobs.driver.spark_version import checkpoint_package, spark_version
from spark_jobs.incidents import CheckpointUnusable
from spark_jobs.settings import read_job_settings
from spark_jobs.streaming.locations import Locations


def test_the_spark_that_runs_is_the_one_that_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spark_version() == version("pyspark")
    monkeypatch.setattr("pyspark.__version__", "4.0.1")
    assert spark_version() == "4.0.1", "a cluster's own, whatever pip has installed"


@pytest.mark.parametrize(
    ("version", "is_moved"),
    [("4.0.1", False), ("4.1.0", True), ("4.2.0", True), ("4.10.0.dev1", True), ("5.0.0", True)],
)
def test_the_classes_of_a_checkpoints_files_have_moved_with_spark_4_1(version: str, is_moved: bool) -> None:
    assert checkpoint_package(version).endswith(".checkpointing") is is_moved


def test_the_class_of_a_checkpoints_files_is_one_that_this_spark_has(tmp_path: Path) -> None:
    named = spark_conf(read_job_settings({}), tmp_path)[FILE_MANAGER]
    [jar] = (Path(pyspark.__file__).parent / "jars").glob("spark-sql_2.13-*.jar")
    assert f"{named.replace('.', '/')}.class" in zipfile.ZipFile(jar).namelist()


def test_on_spark_4_0_it_is_named_where_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspark.__version__", "4.0.1")
    named = spark_conf(read_job_settings({}), tmp_path)[FILE_MANAGER]
    assert named == "org.apache.spark.sql.execution.streaming.FileSystemBasedCheckpointFileManager"


def test_a_checkpoint_of_another_spark_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locations = Locations(tmp_path.as_uri(), "file:///staging")
    Checkpoint(locations, "payment-events", 2).begin({0: 5})
    monkeypatch.setattr("pyspark.__version__", "4.0.1")
    with pytest.raises(CheckpointUnusable, match=r"this is format [0-9]+, 2 buckets, Spark 4\.0\.1\."):
        Checkpoint(locations, "payment-events", 2).check({0: 5})
