"""CPU seconds and memory of a process and all below it, from the kernel's own accounting (Linux).

Belongs here: reading /proc. Does not belong here: what is measured.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Process:
    parent: int
    cpu_seconds: float
    resident_bytes: int


def cpu_seconds(*roots: int) -> float:
    """User and system seconds of the given processes and all their descendants, ended children included."""
    return sum(process.cpu_seconds for process in _family(roots))


def resident_bytes(*roots: int) -> int:
    """Memory of the given processes and all their descendants; pages that two of them share count twice."""
    return sum(process.resident_bytes for process in _family(roots))


def _family(roots: Iterable[int]) -> Iterable[_Process]:
    processes = {int(folder.name): process for folder in _folders() if (process := _read(folder))}
    family = set(roots)
    while children := {pid for pid, process in processes.items() if process.parent in family} - family:
        family |= children
    return [processes[pid] for pid in family if pid in processes]


def _folders() -> Iterable[Path]:
    return (folder for folder in Path("/proc").iterdir() if folder.name.isdigit())


def _read(folder: Path) -> _Process | None:
    """What the kernel says of a process, by the field numbers of proc(5); None where it has just ended."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return _Process(
        parent=int(fields[1]),
        cpu_seconds=sum(int(ticks) for ticks in fields[11:15]) / _TICKS,
        resident_bytes=int(fields[21]) * _PAGE,
    )


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes meanwhile counts for nothing."""
    total = 0
    for path, _, files in folder.walk():
        for name in files:
            with suppress(OSError):
                total += (path / name).stat().st_size
    return total


def own_resident_bytes(pid: int) -> int:
    """Memory of one process alone; 0 where it has ended."""
    process = _read(Path("/proc") / str(pid))
    return process.resident_bytes if process else 0


def open_files(pid: int) -> int:
    """How many files, sockets and pipes a process has open; 0 where it has ended."""
    try:
        return sum(1 for _ in (Path("/proc") / str(pid) / "fd").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def children(pid: int) -> list[tuple[int, str]]:
    """Pid and name of each process that this one has started and that lives."""
    found = []
    for folder in _folders():
        process = _read(folder)
        if process and process.parent == pid:
            with suppress(OSError):
                found.append((int(folder.name), (folder / "comm").read_text().strip()))
    return found
