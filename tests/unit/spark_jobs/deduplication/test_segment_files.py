"""Segment files: whole or not there, and missing is an error."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.fs as pafs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.deduplication import segment_files
from spark_jobs.deduplication.checksums import Damaged, seal, unseal
from spark_jobs.deduplication.id_keys import KEY, Keys, PackedKeys
from spark_jobs.deduplication.segment_copies import SegmentCopies
from spark_jobs.deduplication.segment_files import DAYS, LocalSegments, RemoteSegments, open_segments
from spark_jobs.deduplication.state import RETIRED_BATCHES
from spark_jobs.driver.spark_session import KEPT_BATCHES

KEYS: Keys = np.array([(1, 2), (1, 3), (2**64 - 1, 2**16 - 1)], KEY)


def remote(folder: Path, cache: str = "cache") -> RemoteSegments:
    (folder / "bucket").mkdir(exist_ok=True)
    filesystem = pafs.SubTreeFileSystem(str(folder / "bucket"), pafs.LocalFileSystem())
    return RemoteSegments(filesystem, "", SegmentCopies(folder / cache))


def test_a_segment_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = LocalSegments(tmp_path / "new" / "folder")
    name = store.write(KEYS)
    assert store.read(name).keys().tobytes() == KEYS.tobytes()
    assert store.read(name).keys().dtype == KEY


def test_a_segments_words_are_searched_where_they_lie(tmp_path: Path) -> None:
    store = LocalSegments(tmp_path)
    for column in store.read(store.write(KEYS)):
        assert column.flags.aligned
        assert column.flags.c_contiguous
        assert not column.flags.owndata


def test_two_segments_of_like_keys_have_names_of_their_own(tmp_path: Path) -> None:
    store = LocalSegments(tmp_path)
    assert store.write(KEYS) != store.write(KEYS)


def test_a_write_that_fails_leaves_no_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        LocalSegments(tmp_path).write(KEYS)
    assert list(tmp_path.glob("*.keys")) == [path for path in tmp_path.glob("*.keys") if path.name.startswith(".")]


def test_a_segment_gets_its_name_after_its_bytes_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named_at_sync: list[list[str]] = []
    monkeypatch.setattr(
        "os.fsync", lambda _file: named_at_sync.append([p.name for p in tmp_path.iterdir() if p.name[0] != "."])
    )
    LocalSegments(tmp_path).write(KEYS)
    assert named_at_sync[0] == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_segments_name_is_made_durable_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(Path(f"/proc/self/fd/{file}").resolve()))
    LocalSegments(tmp_path).write(KEYS)
    assert synced[-1] == tmp_path


def test_a_missing_segment_is_an_error_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(Damaged):
        LocalSegments(tmp_path).read("gone.keys")
    with pytest.raises(Damaged):
        remote(tmp_path).read("gone.keys")


def test_deleting_twice_is_no_error(tmp_path: Path) -> None:
    for store in (LocalSegments(tmp_path / "local"), remote(tmp_path)):
        name = store.write(KEYS)
        store.delete(name)
        store.delete(name)
        with pytest.raises(Damaged):
            store.read(name)


def test_a_remote_segment_is_fetched_once_by_a_machine_that_did_not_write_it(tmp_path: Path) -> None:
    name = remote(tmp_path).write(KEYS)
    other = remote(tmp_path, cache="another machine")
    assert other.read(name).keys().tobytes() == KEYS.tobytes()
    (tmp_path / "bucket" / name).unlink()
    assert other.read(name).keys().tobytes() == KEYS.tobytes()


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:5] + bytes([b[5] ^ 1]) + b[6:]])
def test_a_copy_that_was_damaged_is_fetched_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    name = remote(tmp_path).write(KEYS)
    copy = tmp_path / "cache" / name
    copy.write_bytes(damage(copy.read_bytes()))
    assert remote(tmp_path).read(name).keys().tobytes() == KEYS.tobytes()
    copy.write_bytes(damage(copy.read_bytes()))
    remote(tmp_path).check(name)
    assert copy.read_bytes() == (tmp_path / "bucket" / name).read_bytes()


def test_a_damaged_object_is_damaged_whatever_is_fetched(tmp_path: Path) -> None:
    name = remote(tmp_path).write(KEYS)
    (tmp_path / "bucket" / name).write_bytes(b"something else")
    with pytest.raises(Damaged, match="not what was written"):
        remote(tmp_path, cache="another machine").read(name)


def test_a_folder_on_disk_is_local(tmp_path: Path) -> None:
    store = open_segments((tmp_path / "seg ments").as_uri(), SegmentCopies(tmp_path / "cache"))
    assert isinstance(store, LocalSegments)
    store.write(KEYS)
    assert len(list((tmp_path / "seg ments").iterdir())) == 1


def test_segments_outlive_the_states_that_spark_keeps() -> None:
    assert RETIRED_BATCHES > KEPT_BATCHES


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda _: b"", lambda b: b[:5] + bytes([b[5] ^ 1]) + b[6:]])
def test_a_segment_that_is_not_what_was_written_is_never_read_as_keys(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    name = LocalSegments(tmp_path).write(KEYS)
    (tmp_path / name).write_bytes(damage((tmp_path / name).read_bytes()))
    with pytest.raises(Damaged, match=name):
        LocalSegments(tmp_path).read(name)


@given(st.binary(max_size=200), st.data())
def test_a_sealed_content_with_any_bit_flipped_is_noticed(content: bytes, data: st.DataObject) -> None:
    sealed = seal(content)
    assert unseal(sealed, "it") == content
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    flipped = bytearray(sealed)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Damaged, match="it is not what was written"):
        unseal(bytes(flipped), "it")


def test_a_large_segment_of_the_lookback_is_whole_or_damaged_and_held_against_its_name_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_files, "SMALL_BYTES", 0)
    store = open_segments(tmp_path.as_uri(), SegmentCopies(tmp_path / "cache"), DAYS)
    name = store.write(KEYS, is_filtered=True)
    path = tmp_path / name
    content = path.read_bytes()
    assert store.read(name).has(KEYS).all()
    store.check(name)
    path.write_bytes(content[:-8])
    with pytest.raises(Damaged, match="cannot be read"):
        store.read(name)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    store.read(name)
    with pytest.raises(Damaged, match="not what was written"):
        store.check(name)
    monkeypatch.undo()
    with pytest.raises(Damaged, match="not what was written"):
        store.read(name)


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
def test_starts_that_make_no_sense_are_damage_and_no_other_error(at: int, start: int) -> None:
    packed = PackedKeys.of(KEYS, is_filtered=True)
    starts = packed.starts.copy()
    starts[at] = start
    content = packed._replace(starts=starts).content()
    try:
        found = PackedKeys.mapped(np.frombuffer(content, np.uint8))
    except ValueError:
        return
    found.has(KEYS)
