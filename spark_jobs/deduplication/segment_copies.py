"""This machine's copies of segments that lie on an object store: no more bytes of them than they may take.

Belongs here: where copies are, and which of them go. Does not belong here: fetching them (segment_files). Several
processes share the copies: one that is gone is fetched again by whoever needs it.
"""

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

DEFAULT_MOST_MB = 8192
_BEFORE_EACH_LOOK = 16
"""Copies are counted when so many-th a part of what they may take has come since this process counted them last."""

_come: dict[Path, int] = {}
"""By the root: bytes that this process has brought since it looked."""


@dataclass(frozen=True, slots=True)
class SegmentCopies:
    """The copies below a folder, which take no more than `most_bytes` for longer than it takes to look."""

    root: Path
    most_bytes: int = DEFAULT_MOST_MB << 20

    def folder(self, path: str) -> Path:
        """Where copies from a folder of the object store are."""
        return self.root / path.replace("/", "_")

    def used(self, copy: Path) -> None:
        """Say that it was just read: those that nobody has read for longest go first."""
        with contextlib.suppress(OSError):
            # When it was written stays: by that a process knows that it has checked it.
            os.utime(copy, ns=(time.time_ns(), copy.stat().st_mtime_ns))

    def came(self, copy: Path) -> None:
        """Say that a copy was made; others may go for it, whatever room there is."""
        size = copy.stat().st_size if copy.exists() else 0
        brought = _come.get(self.root)
        if brought is not None and brought + size < self.most_bytes // _BEFORE_EACH_LOOK:
            _come[self.root] = brought + size
            return
        _come[self.root] = 0
        self._make_room(copy)

    def _make_room(self, newest: Path) -> None:
        found = []
        for folder, _, names in self.root.walk():
            for name in names:
                with contextlib.suppress(OSError):
                    stat = (folder / name).stat()
                    found.append((stat.st_atime_ns, stat.st_size, folder / name))
        taken = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if taken <= self.most_bytes:
                break
            if path == newest:
                continue
            # Whoever has it mapped goes on reading.
            path.unlink(missing_ok=True)
            taken -= size


def copies_of_this_machine(most_mb: int = DEFAULT_MOST_MB) -> SegmentCopies:
    """Those below the folder for temporary files."""
    return SegmentCopies(Path(gettempdir()) / "payments-segments", most_mb << 20)
