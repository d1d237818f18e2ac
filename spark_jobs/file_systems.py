"""Where a URI's files are: one file system a process for each kind of place.

Belongs here: from a URI to an Arrow file system and a path, and deleting many files at once. Does not belong here: what
lies where (streaming, deduplication). A client of an object store looks for credentials and connects: to make one for
each file would cost more than the file.
"""

import contextlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pyarrow.fs as pafs

_AT_ONCE = 16
"""Deletions of an object store that are under way together: each waits for an answer, and works at nothing."""


def place(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a `file:` or `gs:` URI, and the path in it."""
    if uri.startswith("gs://"):
        return _google(), uri.removeprefix("gs://")
    found: tuple[pafs.FileSystem, str] = pafs.FileSystem.from_uri(uri)
    return found


def delete_files(uris: Iterable[str]) -> None:
    """Delete files, if they are there: those of an object store side by side."""
    places = [place(uri) for uri in uris]
    remote = [each for each in places if not isinstance(each[0], pafs.LocalFileSystem)]
    for each in places:
        if isinstance(each[0], pafs.LocalFileSystem):
            _delete(*each)
    if remote:
        with ThreadPoolExecutor(min(_AT_ONCE, len(remote)), "deleting") as pool:
            list(pool.map(lambda each: _delete(*each), remote))


def _delete(filesystem: pafs.FileSystem, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        filesystem.delete_file(path)


@cache
def _google() -> pafs.FileSystem:
    # A stand-in is named as Google's own client libraries have it named.
    stand_in = os.environ.get("STORAGE_EMULATOR_HOST")
    if not stand_in:
        return pafs.GcsFileSystem()
    scheme, _, address = stand_in.partition("://")
    return pafs.GcsFileSystem(anonymous=True, scheme=scheme, endpoint_override=address.rstrip("/"))
