"""CPU seconds of a process and all below it, from the kernel's own accounting (Linux).

Belongs here: reading /proc. Does not belong here: what is measured.
"""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(*roots: int) -> float:
    """User and system seconds of the given processes and all their descendants, ended children included."""
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(folder.name)] = int(fields[1])
        seconds[int(folder.name)] = sum(int(ticks) for ticks in fields[11:15]) / _TICKS
    family = set(roots)
    while children := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= children
    return sum(seconds.get(pid, 0.0) for pid in family)
