"""Where a URI's files are: one file system a process for each kind of place.

Belongs here: from a URI to an Arrow file system and a path, small files whole, parts of many files, and deleting many
at once. Does not belong here: what lies where (streaming, deduplication). A client of an object store looks for
credentials and connects: to make one for each file would cost more than the file.
"""

import contextlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache

import pyarrow as pa
import pyarrow.fs as pafs

STAND_IN = "STORAGE_EMULATOR_HOST"
"""The variable that names a stand-in for Cloud Storage, as Google's own client libraries have it named."""

RETRIED_FOR = timedelta(minutes=2)
"""How long an object store that is away is waited for; by itself a client would try for a quarter of an hour."""

_AT_ONCE = 16
"""Requests of an object store that are under way together: each waits for an answer, and works at nothing."""

_READ_THROUGH = 1 << 20
"""A part that ends within so many bytes is read from the file's start: that is one request, and not three."""


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


def read_parts(parts: Sequence[tuple[str, int, int]]) -> list[bytes]:
    """Parts of files, each by URI, start and size, in order: those of an object store are read side by side."""
    places = {uri: place(uri) for uri in {uri for uri, _, _ in parts}}
    if all(isinstance(filesystem, pafs.LocalFileSystem) for filesystem, _ in places.values()):
        mapped = {uri: pa.memory_map(path) for uri, (_, path) in places.items()}
        return [mapped[uri].read_at(size, start) for uri, start, size in parts]
    with ThreadPoolExecutor(min(_AT_ONCE, len(parts)), "reading") as pool:
        return list(pool.map(_read_part, parts))


def make_folder(uri: str) -> tuple[pafs.FileSystem, str]:
    """As `place`, with the folder made: an object store has none, and would be asked several times for nothing."""
    filesystem, path = place(uri)
    if isinstance(filesystem, pafs.LocalFileSystem):
        filesystem.create_dir(path, recursive=True)
    return filesystem, path


def read_file(uri: str) -> bytes | None:
    """All of a file; None where there is none."""
    filesystem, path = place(uri)
    try:
        with filesystem.open_input_stream(path) as stream:
            content: bytes = stream.read()
            return content
    except FileNotFoundError:
        return None


def write_file(uri: str, content: bytes) -> None:
    """Write or replace a file: it is there whole, or as it was before."""
    make_folder(uri.rpartition("/")[0])
    filesystem, path = place(uri)
    is_local = isinstance(filesystem, pafs.LocalFileSystem)
    unnamed = f"{path}.new" if is_local else path
    with filesystem.open_output_stream(unnamed) as stream:
        stream.write(content)
    if is_local:
        filesystem.move(unnamed, path)


def folders_in(uri: str) -> dict[str, datetime]:
    """The folders in a folder, by name, and when each was last written to, or anything in it.

    What an object store has are names with slashes: a folder is there while something is in it.
    """
    filesystem, path = place(uri)
    is_local = isinstance(filesystem, pafs.LocalFileSystem)
    found: dict[str, datetime] = {}
    for each in filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=True)):
        name, _, inner = each.path.removeprefix(f"{path}/").partition("/")
        is_folder = bool(inner) or (is_local and each.type == pafs.FileType.Directory)
        if is_folder and each.mtime:
            found[name] = max(found.get(name, each.mtime), each.mtime)
    return found


def delete_folder(uri: str) -> None:
    """Delete a folder with all that is in it, if it is there."""
    filesystem, path = place(uri)
    if isinstance(filesystem, pafs.LocalFileSystem):
        with contextlib.suppress(FileNotFoundError):
            filesystem.delete_dir(path)
        return
    found = filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True, recursive=True))
    # What marks an empty folder, where somebody's tool has made one, is an object with a slash at its end.
    markers = [f"{each.path}/" for each in found if each.type == pafs.FileType.Directory]
    files = [each.path for each in found if each.type == pafs.FileType.File]
    delete_files(f"gs://{name}" for name in (*files, *markers, f"{path}/"))


class Deletions(contextlib.AbstractContextManager["Deletions"]):
    """Files that are no longer needed: those of an object store go beside what follows, and nobody waits for them.

    One call's are under way at a time: the next waits for them, and learns of what they failed with. The end waits too.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "deletions")
        self._under_way: Future[None] | None = None

    def delete(self, uris: Iterable[str]) -> None:
        """Delete them, if they are there. Raises OSError for these, or for those of the call before."""
        self._wait()
        found = list(uris)
        remote = [uri for uri in found if not isinstance(place(uri)[0], pafs.LocalFileSystem)]
        delete_files(uri for uri in found if uri not in remote)
        if remote:
            self._under_way = self._pool.submit(delete_files, remote)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._wait()
        except OSError:
            # What a run ends with says more; the next one sweeps.
            if kind is None:
                raise
        finally:
            self._pool.shutdown()

    def _wait(self) -> None:
        under_way, self._under_way = self._under_way, None
        if under_way:
            under_way.result()


def _read_part(part: tuple[str, int, int]) -> bytes:
    uri, start, size = part
    filesystem, path = place(uri)
    if start + size <= _READ_THROUGH:
        with filesystem.open_input_stream(path) as stream:
            return bytes(stream.read(start + size)[start:])
    with filesystem.open_input_file(path) as file:
        content: bytes = file.read_at(size, start)
        return content


def _delete(filesystem: pafs.FileSystem, path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        filesystem.delete_file(path)


@cache
def _google() -> pafs.FileSystem:
    stand_in = os.environ.get(STAND_IN)
    if not stand_in:
        return pafs.GcsFileSystem(retry_time_limit=RETRIED_FOR)
    scheme, _, address = stand_in.partition("://")
    return pafs.GcsFileSystem(
        anonymous=True, scheme=scheme, endpoint_override=address.rstrip("/"), retry_time_limit=RETRIED_FOR
    )
