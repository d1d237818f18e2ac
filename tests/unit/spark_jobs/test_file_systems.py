import threading
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest

from spark_jobs import file_systems
from spark_jobs.file_systems import delete_files, place


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

    def delete_file(self, path: str) -> None:
        self.both.wait(timeout=30)
        self.deleted.append(path)
        if path.endswith("gone"):
            raise FileNotFoundError(path)


def test_a_process_makes_one_client_of_the_object_store(
    google: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    first, path = place("gs://bucket/a/b.parquet")
    other, _ = place("gs://another/c")
    assert path == "bucket/a/b.parquet"
    assert first is other
    assert google == [{}]


def test_a_stand_in_is_asked_without_credentials(google: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:4443/")
    place("gs://bucket/a")
    assert google == [{"anonymous": True, "scheme": "http", "endpoint_override": "127.0.0.1:4443"}]


@pytest.mark.usefixtures("google")
def test_files_of_an_object_store_are_deleted_side_by_side_and_one_that_is_gone_does_no_harm() -> None:
    delete_files(["gs://bucket/one", "gs://bucket/gone"])
    store: Any = place("gs://bucket/one")[0]
    assert sorted(store.deleted) == ["bucket/gone", "bucket/one"]


def test_local_files_are_deleted(tmp_path: Path) -> None:
    file = tmp_path / "with space"
    file.touch()
    delete_files([file.as_uri(), (tmp_path / "gone").as_uri()])
    assert not file.exists()
    assert isinstance(place(file.as_uri())[0], pafs.LocalFileSystem)
