"""How our class writes, reads and finds a checkpoint's files, in Spark's JVM: any of Hadoop's file systems will do."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.sql import SparkSession

from spark_jobs.driver.object_store import whole_files
from spark_jobs.driver.spark_session import FILE_MANAGER
from spark_jobs.driver.spark_version import checkpoint_package, spark_version
from spark_jobs.settings import JobSettings
from tests import object_store

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Managers:
    """Makes what Spark makes for a folder of a checkpoint."""

    spark: SparkSession
    uri: str

    def __call__(self, run: str = "1") -> Any:
        """Of the run that is named."""
        session: Any = self.spark._jsparkSession
        conf = session.sessionState().newHadoopConf()
        conf.set(FILE_MANAGER, whole_files.CLASS_NAME)
        conf.set(whole_files.RUN, run)
        companion = self.jvm
        for name in f"{checkpoint_package(spark_version())}.CheckpointFileManager$.MODULE$".split("."):
            companion = getattr(companion, name)
        return companion.create(self.path(""), conf)

    @property
    def jvm(self) -> Any:
        return self.spark._jvm

    def path(self, name: str) -> Any:
        """Hadoop's, of a name in the folder."""
        return self.jvm.org.apache.hadoop.fs.Path(f"{self.uri}/{name}".rstrip("/"))


@pytest.fixture
def managers(spark: SparkSession, tmp_path: Path) -> Managers:
    return Managers(spark, tmp_path.as_uri())


def write(manager: Any, path: Any, content: bytes, *, replaces: bool = False) -> None:
    file = manager.createAtomic(path, replaces)
    file.write(bytearray(content))
    file.close()


def read(manager: Any, path: Any) -> bytes:
    return bytes(manager.open(path).readAllBytes())


def names(manager: Any, path: Any) -> list[str]:
    return sorted(found.getPath().getName() for found in manager.list(path))


def test_spark_takes_the_class_that_was_compiled_for_it(managers: Managers) -> None:
    assert managers().getClass().getName() == whole_files.CLASS_NAME
    assert managers().isLocal() is False


def test_a_file_is_there_whole_once_it_is_closed(managers: Managers, tmp_path: Path) -> None:
    file = managers().createAtomic(managers.path("state/0/1.delta"), False)
    file.write(bytearray(b"half"))
    assert not list(tmp_path.iterdir())
    file.write(bytearray(b" and half"))
    file.close()
    file.close()
    file.cancel()
    assert (tmp_path / "state/0/1.delta").read_bytes() == b"half and half"


def test_a_file_that_is_cancelled_leaves_nothing(managers: Managers, tmp_path: Path) -> None:
    file = managers().createAtomic(managers.path("offsets/0"), False)
    file.write(bytearray(b"half"))
    file.cancel()
    file.close()
    assert not list(tmp_path.iterdir())
    assert not managers().exists(managers.path("offsets/0"))


def test_a_log_that_is_there_is_never_written_again(managers: Managers, tmp_path: Path) -> None:
    (tmp_path / "offsets").mkdir()
    (tmp_path / "offsets/0").write_bytes(b"another run's")
    with pytest.raises(Py4JJavaError, match=r"org\.apache\.hadoop\.fs\.FileAlreadyExistsException"):
        write(managers(), managers.path("offsets/0"), b"ours")
    assert read(managers(), managers.path("offsets/0")) == b"another run's"


def test_a_file_of_the_state_is_replaced_by_the_batch_that_is_done_again(managers: Managers) -> None:
    path = managers.path("state/0/1.delta")
    for content in (b"of a run that was killed", b"again"):
        write(managers(), path, content, replaces=True)
        assert read(managers(), path) == content


def test_a_log_is_read_once_in_a_run_and_by_the_next_run_again(managers: Managers, tmp_path: Path) -> None:
    path = managers.path("commits/7")
    write(managers("1"), path, b"before")
    (tmp_path / "commits/7").write_bytes(b"after")
    assert read(managers("1"), path) == b"before"
    assert read(managers("2"), path) == b"after"
    (tmp_path / "commits/7").unlink()
    assert [managers(run).exists(path) for run in "123"] == [True, True, False]


def test_what_logs_there_are_is_asked_once_in_a_run_and_one_that_another_run_wrote_is_not_written_over(
    managers: Managers, tmp_path: Path
) -> None:
    folder, second = managers.path("offsets"), managers.path("offsets/1")
    write(managers("1"), managers.path("offsets/0"), b"first")
    assert names(managers("1"), folder) == ["0"]
    (tmp_path / "offsets/1").write_bytes(b"of a run that has taken over")
    assert names(managers("1"), folder) == ["0"]
    assert not managers("1").exists(second)
    with pytest.raises(Py4JJavaError, match=r"org\.apache\.hadoop\.fs\.FileAlreadyExistsException"):
        write(managers("1"), second, b"second")
    assert (names(managers("2"), folder), read(managers("2"), second)) == (["0", "1"], b"of a run that has taken over")
    write(managers("2"), managers.path("offsets/2"), b"third")
    managers("2").delete(managers.path("offsets/0"))
    assert names(managers("2"), folder) == ["1", "2"]


def test_files_of_the_state_are_looked_for_each_time(managers: Managers, tmp_path: Path) -> None:
    folder = managers.path("state/0/1")
    write(managers(), managers.path("state/0/1/1.delta"), b"ours", replaces=True)
    assert names(managers(), folder) == ["1.delta"]
    (tmp_path / "state/0/1/2.delta").write_bytes(b"of another executor")
    assert names(managers(), folder) == ["1.delta", "2.delta"]


def test_a_log_that_was_deleted_is_gone_also_with_its_folder(managers: Managers) -> None:
    for name in ("offsets/1", "offsets/2", "commits/1"):
        write(managers(), managers.path(name), b"1")
    managers().delete(managers.path("offsets/1"))
    assert [managers().exists(managers.path(f"offsets/{n}")) for n in (1, 2)] == [False, True]
    managers().delete(managers.path("offsets"))
    assert [managers().exists(managers.path(name)) for name in ("offsets", "offsets/2", "commits")] == [
        False,
        False,
        True,
    ]


def test_a_folder_is_there_while_something_is_in_it(managers: Managers) -> None:
    folder = managers.path("offsets")
    managers().mkdirs(folder)
    assert (managers().exists(folder), names(managers(), folder)) == (False, [])
    write(managers(), managers.path("offsets/0"), b"1")
    assert (managers().exists(folder), names(managers(), folder)) == (True, ["0"])


def test_a_log_is_read_from_any_place_in_it(managers: Managers) -> None:
    path = managers.path("metadata")
    write(managers(), path, b"0123456789")
    file = managers().open(path)
    file.seek(4)
    assert (bytes([file.read()]), file.getPos()) == (b"4", 5)
    with pytest.raises(Py4JJavaError, match="there is no byte 11 of 10"):
        file.seek(11)


@pytest.mark.thorough
def test_an_interrupt_neither_cuts_an_upload_short_nor_is_lost(
    spark: SparkSession, bucket: str, store_endpoint: str, stack: JobSettings, home: Path, tmp_path: Path
) -> None:
    remote = replace(stack, checkpoint_location=f"{bucket}/{tmp_path.name}")
    with object_store.named(store_endpoint), object_store.session_on(remote, spark, home) as session:
        managers = Managers(session, remote.checkpoint_location)
        path, content = managers.path("commits/0"), b"v1\n{}" * 1000
        file = managers().createAtomic(path, False)
        file.write(bytearray(content))
        thread = managers.jvm.java.lang.Thread
        thread.currentThread().interrupt()
        file.close()
        assert thread.interrupted(), "whoever has waited for the upload is told"
        assert read(managers("2"), path) == content
        with pytest.raises(Py4JJavaError, match="FileAlreadyExistsException"):
            write(managers("2"), path, b"again")
