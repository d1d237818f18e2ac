"""What is uploaded: each file at a name of its own content, once, and anew before a lifecycle rule takes it."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from orchestration.dataproc.code_files import KEPT_FRESH, CodeFiles, upload_code
from spark_jobs.settings import SettingError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("spark/kafka.jar", "google/login.jar", "gcs/connector.jar", "delta/delta.jar"):
        jar = tmp_path / "home" / "jars" / name
        jar.parent.mkdir(parents=True)
        jar.write_text(name)
    return tmp_path / "home"


def uploaded(home: Path, *, asks_google: bool = False) -> CodeFiles:
    return upload_code(home, (home.parent / "bucket").as_uri(), asks_google=asks_google)


def path_of(uri: str) -> Path:
    return Path(uri.removeprefix("file://"))


def test_the_main_file_the_package_and_the_jars_that_dataproc_lacks_are_uploaded(home: Path) -> None:
    files = uploaded(home)
    assert path_of(files.main).name == "handed_over.py"
    assert [path_of(jar).name for jar in files.jars] == ["kafka.jar"], "it has a connector to its storage"
    assert [path_of(jar).name for jar in uploaded(home, asks_google=True).jars] == ["kafka.jar", "login.jar"]
    assert files.package_name.endswith(".zip")
    with zipfile.ZipFile(path_of(files.package)) as package:
        assert {"spark_jobs/process_payments.py", "spark_jobs/driver/worker_daemon.py"} <= set(package.namelist())


def test_a_file_that_is_there_is_not_written_again_and_another_version_lies_beside_it(home: Path) -> None:
    files = uploaded(home)
    [jar] = files.jars
    path_of(jar).write_text("as it was uploaded")
    assert uploaded(home) == files
    assert path_of(jar).read_text() == "as it was uploaded"
    (home / "jars" / "spark" / "kafka.jar").write_text("newer")
    [other] = uploaded(home).jars
    assert other != jar
    assert path_of(jar).exists(), "a run that was handed over reads it still"


def test_a_file_is_written_anew_before_it_is_deleted_by_its_age(home: Path) -> None:
    [jar] = uploaded(home).jars
    old = time.time() - KEPT_FRESH.total_seconds() - 60
    os.utime(path_of(jar), (old, old))
    uploaded(home)
    assert path_of(jar).stat().st_mtime > old + 60


def test_the_jars_say_which_spark_they_are_for(home: Path) -> None:
    assert uploaded(home).spark == ""
    (home / "jars" / "spark" / "spark-sql-kafka-0-10_2.13-4.2.0.jar").write_text("a")
    assert uploaded(home).spark == "4.2"


def test_without_jars_nothing_is_handed_over(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="has no jars"):
        upload_code(tmp_path, (tmp_path / "bucket").as_uri())
