import contextlib
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest

from spark_jobs import file_systems
from spark_jobs.file_systems import (
    RETRIED_FOR,
    Deletions,
    delete_files,
    delete_folder,
    folders_in,
    make_folder,
    place,
    read_file,
    read_parts,
    write_file,
)

FAR = file_systems._READ_THROUGH
"""Where a part is too far in to read all that is before it."""


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How often, and for what, a client of Cloud Storage is made."""
    made: list[dict[str, Any]] = []

    def make(**options: Any) -> object:
        made.append(options)
        return Store()

    monkeypatch.setattr(pafs, "GcsFileSystem", make)
    file_systems._google.cache_clear()
    return made


class Store:
    """An object store that answers a deletion only when another is under way as well."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.both = threading.Barrier(2)
        self.opened: set[tuple[str, str]] = set()

    def delete_file(self, path: str) -> None:
        self.both.wait(timeout=30)
        self.deleted.append(path)
        if path.endswith("gone"):
            raise FileNotFoundError(path)

    def open_input_file(self, path: str) -> "Object":
        return self._open(path, "file")

    def open_input_stream(self, path: str) -> "Object":
        return self._open(path, "stream")

    def _open(self, path: str, how: str) -> "Object":
        name = path.rpartition("/")[2]
        self.opened.add((name, how))
        return Object(self, name.encode() * FAR)


@dataclass
class Object(contextlib.AbstractContextManager["Object"]):
    """An object that is read only when another is, too."""

    store: Store
    content: bytes

    def read_at(self, size: int, start: int) -> bytes:
        self.store.both.wait(timeout=30)
        return self.content[start : start + size]

    def read(self, size: int) -> bytes:
        return self.read_at(size, 0)

    def __exit__(self, *_: object) -> None:
        """Closing is nothing."""


def test_a_process_makes_one_client_of_the_object_store(
    google: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    first, path = place("gs://bucket/a/b.parquet")
    other, _ = place("gs://another/c")
    assert path == "bucket/a/b.parquet"
    assert first is other
    assert google == [{"retry_time_limit": RETRIED_FOR}]


def test_a_stand_in_is_asked_without_credentials(google: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:4443/")
    place("gs://bucket/a")
    assert google == [
        {"anonymous": True, "scheme": "http", "endpoint_override": "127.0.0.1:4443", "retry_time_limit": RETRIED_FOR}
    ]


@pytest.mark.usefixtures("google")
def test_files_of_an_object_store_are_deleted_side_by_side_and_one_that_is_gone_does_no_harm() -> None:
    delete_files(["gs://bucket/one", "gs://bucket/gone"])
    store: Any = place("gs://bucket/one")[0]
    assert sorted(store.deleted) == ["bucket/gone", "bucket/one"]


@pytest.mark.usefixtures("google")
def test_parts_of_files_of_an_object_store_are_read_side_by_side_and_come_in_order() -> None:
    parts = [
        ("gs://bucket/one", 2, 3),
        ("gs://bucket/two", 0, 2),
        ("gs://bucket/one", 0, 1),
        ("gs://bucket/one", 9, 0),
        ("gs://bucket/two", 1, 1),
        ("gs://bucket/far", FAR, 3),
    ]
    assert read_parts(parts) == [b"eon", b"tw", b"o", b"", b"w", (b"far" * FAR)[FAR : FAR + 3]]
    store: Any = place("gs://bucket/one")[0]
    assert store.opened == {("one", "stream"), ("two", "stream"), ("far", "file")}, "one request, where it is near"


def test_parts_of_local_files_come_in_order(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode() * 2)
    one, two = ((tmp_path / name).as_uri() for name in ("one", "two"))
    assert read_parts([(one, 1, 3), (two, 0, 2), (one, 5, 1)]) == [b"neo", b"tw", b"e"]
    assert read_parts([]) == []


def test_local_files_are_deleted(tmp_path: Path) -> None:
    file = tmp_path / "with space"
    file.touch()
    delete_files([file.as_uri(), (tmp_path / "gone").as_uri()])
    assert not file.exists()
    assert isinstance(place(file.as_uri())[0], pafs.LocalFileSystem)


class Bucket:
    """An object store as far as Arrow shows one: names with slashes, and markers that somebody's tool has made."""

    def __init__(self, **objects: datetime) -> None:
        self.objects = objects

    def get_file_info(self, selector: pafs.FileSelector) -> list[pafs.FileInfo]:
        found = []
        for name, written in self.objects.items():
            if name.startswith(f"{selector.base_dir}/"):
                type_ = pafs.FileType.Directory if name.endswith("/") else pafs.FileType.File
                found.append(pafs.FileInfo(name.removesuffix("/"), type_, mtime=written))
        return found

    def delete_file(self, path: str) -> None:
        if path not in self.objects:
            raise FileNotFoundError(path)
        del self.objects[path]


def use(monkeypatch: pytest.MonkeyPatch, store: object) -> None:
    monkeypatch.setattr(file_systems, "_google", lambda: store)


def test_a_small_file_is_written_whole_replaced_and_read_and_none_is_none(tmp_path: Path) -> None:
    uri = (tmp_path / "new folder" / "small file").as_uri()
    assert read_file(uri) is None
    write_file(uri, b"one")
    write_file(uri, b"another")
    assert read_file(uri) == b"another"
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["small file"]


def test_an_object_store_is_not_asked_for_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use(monkeypatch, object())
    assert make_folder("gs://bucket/a/b")[1] == "bucket/a/b"
    make_folder((tmp_path / "a" / "b").as_uri())
    assert (tmp_path / "a" / "b").is_dir()


def test_folders_of_an_object_store_are_there_while_something_is_in_them(monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    objects = {"b/p/one/x": early, "b/p/one/deep/y": late, "b/p/two/": early, "b/p/two/z": early, "b/p/file": late}
    use(monkeypatch, Bucket(**objects))
    assert folders_in("gs://b/p") == {"one": late, "two": early}
    assert folders_in("gs://b/none") == {}


def test_folders_of_this_machine_count_when_they_are_empty(tmp_path: Path) -> None:
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "full" / "deep" / "x").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    os.utime(tmp_path / "full" / "deep" / "x", (2_000_000_000, 2_000_000_000))
    found = folders_in(tmp_path.as_uri())
    assert set(found) == {"full", "empty"}
    assert found["full"] == datetime.fromtimestamp(2_000_000_000, UTC)
    assert folders_in((tmp_path / "none").as_uri()) == {}


def test_a_folder_is_deleted_with_all_that_is_in_it_and_the_marks_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    bucket = Bucket(**dict.fromkeys(("b/p/", "b/p/x", "b/p/deep/", "b/p/deep/y", "b/q"), now))
    use(monkeypatch, bucket)
    delete_folder("gs://b/p")
    delete_folder("gs://b/p")
    assert list(bucket.objects) == ["b/q"]


def test_a_folder_of_this_machine_is_deleted_if_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    delete_folder((tmp_path / "a").as_uri())
    delete_folder((tmp_path / "a").as_uri())
    assert not (tmp_path / "a").exists()


class Slow:
    """An object store in which a deletion goes on until it is allowed to end, as it is told to."""

    def __init__(self, failure: OSError | None = None) -> None:
        self.goes_on, self.failure, self.deleted = threading.Event(), failure, list[str]()

    def delete_file(self, path: str) -> None:
        assert self.goes_on.wait(timeout=30)
        if self.failure:
            raise self.failure
        self.deleted.append(path)


def test_nobody_waits_for_a_deletion_on_an_object_store_but_the_next_and_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, local = Slow(), tmp_path / "local"
    local.touch()
    use(monkeypatch, store)
    with Deletions() as deletions:
        deletions.delete(["gs://b/one", local.as_uri()])
        assert (store.deleted, local.exists()) == ([], False)
        store.goes_on.set()
        deletions.delete(["gs://b/two"])
        assert "b/one" in store.deleted
    assert store.deleted == ["b/one", "b/two"]


def test_what_a_deletion_failed_with_is_learnt_once_unless_the_run_fails_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Slow(OSError("refused"))
    store.goes_on.set()
    use(monkeypatch, store)

    def run(failure: Exception | None) -> None:
        with Deletions() as deletions:
            deletions.delete(["gs://b/one"])
            if failure:
                raise failure

    with pytest.raises(OSError, match="refused"):
        run(None)
    with pytest.raises(ValueError, match="its own"):
        run(ValueError("its own"))
