"""How large the home folder is, part by part, and whether the disk is about to be full.

Belongs here: sizes, and one line that warns. Does not belong here: deleting anything (automation).
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MIB = 2**20
GIB = 2**30
LEAST_FREE_BYTES = 2 * GIB
FEW_FREE_BYTES = 5 * GIB
FEW_FREE_SHARE = 0.1
_BLOCK_BYTES = 512
_PARTS = {
    "warehouse": ["bigquery"],
    "Kafka": ["kafka"],
    "checkpoints": ["checkpoints", "staging"],
    "Delta": ["delta"],
    "Dagster": ["dagster"],
    "logs": ["logs"],
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Files and bytes on disk of one part of the home."""

    part: str
    files: int
    bytes: int


def usage_of(home: Path) -> list[Usage]:
    """Every part that is there."""
    return [_usage(part, [home / name for name in names]) for part, names in _PARTS.items()]


def free_bytes(home: Path) -> tuple[int, int]:
    """Free bytes of the home's disk, and all of its bytes."""
    disk = shutil.disk_usage(next(path for path in (home, *home.parents) if path.exists()))
    return disk.free, disk.total


def warning(free: int, total: int) -> str | None:
    """One line where the disk is nearly full: below 5 GiB, or a tenth of a smaller disk. None where it is not."""
    if free >= min(FEW_FREE_BYTES, FEW_FREE_SHARE * total):
        return None
    return f"only {free / GIB:.1f} GiB free: free some, or run `payments down` before the disk is full"


def sizes(home: Path) -> str:
    """All parts in one line, the largest first."""
    parts = sorted(usage_of(home), key=lambda usage: -usage.bytes)
    total = sum(usage.bytes for usage in parts)
    return f"{human(total)}: " + ", ".join(f"{usage.part} {human(usage.bytes)}" for usage in parts)


def human(size: int) -> str:
    """Such as 12 MiB."""
    if size >= GIB:
        return f"{size / GIB:.1f} GiB"
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size / 1024:.0f} KiB"


def _usage(part: str, folders: list[Path]) -> Usage:
    files = [entry for folder in folders for entry in _files(folder)]
    return Usage(part, len(files), sum(files))


def _files(folder: Path) -> Iterator[int]:
    """Bytes on disk of each file: Kafka's index files are mostly holes. One that goes meanwhile does not count."""
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(f"{where}/{name}").st_blocks * _BLOCK_BYTES
            except FileNotFoundError:
                continue
