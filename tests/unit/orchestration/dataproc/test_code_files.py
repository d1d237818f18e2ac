"""What is uploaded: each file at a name of its own content, once, and anew before a lifecycle rule takes it."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from orchestration.dataproc.code_files import KEPT_FRESH, CodeFiles, jars_for, upload_code
from spark_jobs.settings import SettingError

NEW = "spark/spark-sql-kafka-0-10_2.13-4.2.0.jar"
OLD = "spark-4.0/spark-sql-kafka-0-10_2.13-4.0.1.jar"
CLIENT = "spark/kafka-clients-3.9.2.jar"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in (NEW, OLD, CLIENT, "google/login.jar", "gcs/connector.jar", "delta/delta.jar"):
        jar = tmp_path / "home" / "jars" / name
        jar.parent.mkdir(parents=True, exist_ok=True)
        jar.write_text(name)
    return tmp_path / "home"


def uploaded(home: Path, spark: str = "4.0", *, asks_google: bool = False) -> CodeFiles:
    return upload_code(home, (home.parent / "bucket").as_uri(), spark, asks_google=asks_google)


def names(files: CodeFiles) -> list[str]:
    return [path_of(jar).name for jar in files.jars]


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def test_the_main_file_the_package_and_the_jars_that_dataproc_lacks_are_uploaded(home: Path) -> None:
    files = uploaded(home)
    assert path_of(files.main).name == "handed_over.py"
    assert names(files) == [Path(OLD).name, Path(CLIENT).name], "it has a connector to its storage"
    assert names(uploaded(home, asks_google=True)) == [*names(files), "login.jar"]
    assert files.package_name.endswith(".zip")
    with zipfile.ZipFile(path_of(files.package)) as package:
        assert {"spark_jobs/process_payments.py", "spark_jobs/driver/worker_daemon.py"} <= set(package.namelist())


def test_a_file_that_is_there_is_not_written_again_and_another_version_lies_beside_it(home: Path) -> None:
    files = uploaded(home)
    jar, _ = files.jars
    path_of(jar).write_text("as it was uploaded")
    assert uploaded(home) == files
    assert path_of(jar).read_text() == "as it was uploaded"
    (home / "jars" / OLD).write_text("newer")
    other, _ = uploaded(home).jars
    assert other != jar
    assert path_of(jar).exists(), "a run that was handed over reads it still"


def test_a_file_is_written_anew_before_it_is_deleted_by_its_age(home: Path) -> None:
    jar, _ = uploaded(home).jars
    old = time.time() - KEPT_FRESH.total_seconds() - 60
    os.utime(path_of(jar), (old, old))
    uploaded(home)
    assert path_of(jar).stat().st_mtime > old + 60


def test_each_spark_has_a_kafka_source_of_its_own_and_the_other_jars_are_the_same(home: Path) -> None:
    assert set(jars_for("4.0", home)) == {home / "jars" / OLD, home / "jars" / CLIENT}
    assert set(jars_for("4.2", home)) == {home / "jars" / NEW, home / "jars" / CLIENT}
    assert [uploaded(home, spark).spark for spark in ("4.0", "4.2")] == ["4.0", "4.2"]


def test_without_the_kafka_source_of_this_spark_nothing_is_handed_over(home: Path) -> None:
    (home / "jars" / OLD).unlink()
    with pytest.raises(SettingError, match=r"has no jar with which Spark 4\.0 reads Kafka: run `make setup`"):
        uploaded(home)
    assert not (home.parent / "bucket").exists()
