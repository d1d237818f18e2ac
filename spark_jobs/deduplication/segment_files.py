"""Segment files of the deduplication state, beside the checkpoint that names them.

Belongs here: writing a segment durably, reading it back, deleting it. Does not belong here: which segments there are
(state).
"""

import os
import uuid
from collections.abc import Buffer
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.fs as pafs

from spark_jobs.crash_points import Point, crash_point
from spark_jobs.deduplication.checksums import Damaged, checksum
from spark_jobs.deduplication.id_keys import Keys, PackedKeys
from spark_jobs.deduplication.segment_copies import SegmentCopies, copies_of_this_machine
from spark_jobs.file_systems import place

_VERIFIED_FILES = 4096
SMALL_BYTES = 64 << 20
"""A segment of the look-back that is no larger is held against its checksum by every process."""
WINDOW, DAYS = ".keys", ".days"
"""How names end: of the window's segments, and of the look-back's."""


class LocalSegments:
    """Segments in a folder of this machine.

    Reading maps the file. Of the window's files a process reads all once, to hold it against the checksum in its name;
    after that, only the pages that a probe touches. The look-back's may be days of ids: of large ones it makes sure
    that they are whole, and `check` reads them where they are merged, or taken over by a new generation.
    """

    def __init__(self, folder: Path, suffix: str = WINDOW) -> None:
        self._folder = folder
        self._suffix = suffix

    def write(self, keys: Keys, *, is_filtered: bool = False) -> str:
        """Write, sync and only then name the file."""
        return self.keep(PackedKeys.of(keys, is_filtered=is_filtered).content())

    def keep(self, content: bytes) -> str:
        """Write a segment's bytes, as `write` does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = f"{uuid.uuid4().hex}-{checksum(content):08x}{self._suffix}"
        unnamed = self._folder / f".{name}"
        _write_whole(unnamed, content)
        unnamed.rename(self._folder / name)
        _sync_folder(self._folder)
        crash_point(Point.SEGMENT_WRITTEN)
        return name

    def read(self, name: str) -> PackedKeys:
        """Map a segment.

        Raises:
            Damaged: the checkpoint names one that is gone, or is not what was written.
        """
        path = self._folder / name
        try:
            found = path.stat()
            if self._suffix == WINDOW or found.st_size <= SMALL_BYTES:
                _verify(path, found.st_mtime_ns)
            # As a plain array: each slice of a memmap is a memmap, which takes as long as a small search.
            return PackedKeys.mapped(np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray))
        except (OSError, ValueError) as error:
            raise Damaged(f"segment {name} cannot be read.") from error

    def check(self, name: str) -> None:
        """Hold all of a segment against the checksum in its name. Raises Damaged, as `read` does."""
        path = self._folder / name
        try:
            _verify(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as error:
            raise Damaged(f"segment {name} cannot be read.") from error

    def delete(self, name: str) -> None:
        """Remove a segment, if it is there."""
        (self._folder / name).unlink(missing_ok=True)


@lru_cache(maxsize=_VERIFIED_FILES)
def _verify(path: Path, _modified_at: int) -> None:
    """Hold a file against the checksum in its name; once per process, unless somebody has written to it since."""
    _compare(np.memmap(path, dtype=np.uint8, mode="r"), path)


def _compare(content: Buffer, path: Path) -> None:
    """Hold bytes against the checksum in a segment's name."""
    if f"{checksum(content):08x}" != path.stem.rpartition("-")[2]:
        raise Damaged(f"segment {path.name} is not what was written.")


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file, and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class RemoteSegments:
    """Segments on an object store, each read once per machine and then mapped from a local copy."""

    def __init__(self, filesystem: pafs.FileSystem, folder: str, copies: SegmentCopies, suffix: str = WINDOW) -> None:
        self._filesystem = filesystem
        self._folder = folder
        self._copies = copies
        self._cache_folder = copies.folder(folder)
        self._cache = LocalSegments(self._cache_folder, suffix)

    def write(self, keys: Keys, *, is_filtered: bool = False) -> str:
        """Write the object; it appears whole or not at all. The local copy is kept."""
        content = PackedKeys.of(keys, is_filtered=is_filtered).content()
        name = self._cache.keep(content)
        with self._filesystem.open_output_stream(f"{self._folder}/{name}") as stream:
            stream.write(content)
        self._copies.came(self._cache_folder / name)
        return name

    def read(self, name: str) -> PackedKeys:
        """Map the local copy. Where it is missing or damaged, it is fetched. Raises Damaged, as LocalSegments does."""
        self._copies.used(self._cache_folder / name)
        try:
            return self._cache.read(name)
        except Damaged:
            self._fetch(name)
            return self._cache.read(name)

    def check(self, name: str) -> None:
        """Hold all of a segment's copy against the checksum in its name. Raises Damaged, as LocalSegments does."""
        try:
            self._cache.check(name)
        except Damaged:
            self._fetch(name)
            self._cache.check(name)

    def delete(self, name: str) -> None:
        """Remove the object and the copy, if they are there."""
        self._cache.delete(name)
        try:
            self._filesystem.delete_file(f"{self._folder}/{name}")
        except FileNotFoundError:
            return

    def _fetch(self, name: str) -> None:
        path = self._cache_folder / name
        self._cache_folder.mkdir(parents=True, exist_ok=True)
        unnamed = path.with_name(f".{name}.{uuid.uuid4().hex}")
        try:
            with self._filesystem.open_input_stream(f"{self._folder}/{name}") as stream:
                content = stream.read()
        except FileNotFoundError as error:
            raise Damaged(f"segment {name} is gone.") from error
        _compare(content, path)
        _write_whole(unnamed, content)
        unnamed.rename(path)
        self._copies.came(path)


class BucketSegments:
    """All segments of a bucket: those with a filter are the look-back's, and lie where they outlive a generation.

    `copies` are this machine's of remote ones.
    """

    def __init__(self, window_uri: str, days_uri: str, copies: SegmentCopies | None = None) -> None:
        copies = copies or copies_of_this_machine()
        self._window = open_segments(window_uri, copies)
        self._days = open_segments(days_uri, copies, DAYS)

    def write(self, keys: Keys, *, is_filtered: bool = False) -> str:
        """Store sorted keys."""
        return (self._days if is_filtered else self._window).write(keys, is_filtered=is_filtered)

    def read(self, name: str) -> PackedKeys:
        """Map a segment. Raises Damaged, as LocalSegments does."""
        return self._of(name).read(name)

    def check(self, name: str) -> None:
        """Hold all of a segment against the checksum in its name. Raises Damaged."""
        self._of(name).check(name)

    def delete(self, name: str) -> None:
        """Remove a segment, if it is there."""
        self._of(name).delete(name)

    def _of(self, name: str) -> "LocalSegments | RemoteSegments":
        return self._days if name.endswith(DAYS) else self._window


def open_segments(uri: str, copies: SegmentCopies, suffix: str = WINDOW) -> LocalSegments | RemoteSegments:
    """The store for a folder URI (`file:` or `gs:`)."""
    filesystem, folder = place(uri)
    if isinstance(filesystem, pafs.LocalFileSystem):
        return LocalSegments(Path(folder), suffix)
    return RemoteSegments(filesystem, folder, copies, suffix)
