"""Which process executes a run, and whether it is gone, whatever its machine is called by then.

Belongs here: the tag's text, the lock that a process holds while it lives, asking for both. Does not belong here: run
records (run_records). The kernel lets go of the lock when the process dies, also in another container on the same
folder: a restarted container has another hostname, and pids of its own.
"""

import fcntl
import os
import socket
import time
import uuid
from pathlib import Path

from local_stack.processes import process_identity

_KEPT_SECONDS = 7 * 24 * 3600.0
_held: dict[Path, int] = {}
"""Locks of this very process: open until it ends."""


def this_worker(folder: Path | None = None) -> str:
    """This process, as a tag value; with a folder, by a lock in it too, held until the process ends."""
    named = f"{socket.gethostname()}|{os.getpid()}|{process_identity(os.getpid())}"
    return f"{named}|{_lock_in(folder.resolve())}" if folder else named


def is_worker_dead(worker: str) -> bool:
    """Whether the tagged process is known to be gone: its lock is free, or its pid is another's on this machine.

    One whose lock is not to be seen from here, on another machine, is not known to be.
    """
    host, _, rest = worker.partition("|")
    pid, _, rest = rest.partition("|")
    identity, _, lock = rest.partition("|")
    is_free = _is_free(Path(lock)) if lock else None
    if is_free is not None:
        return is_free
    return host == socket.gethostname() and pid.isdecimal() and process_identity(int(pid)) != identity


def _lock_in(folder: Path) -> Path:
    for path in _held:
        if path.parent == folder and path.exists():
            return path
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    path = folder / f"{uuid.uuid4().hex}.lock"
    _held[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(_held[path], fcntl.LOCK_EX)
    return path


def _is_free(path: Path) -> bool | None:
    """None where there is no such lock here."""
    try:
        asked = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(asked, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(asked)
    return True


def _sweep(folder: Path) -> None:
    for path in folder.glob("*.lock"):
        try:
            is_old = path.stat().st_mtime < time.time() - _KEPT_SECONDS
        except FileNotFoundError:
            continue
        if is_old and _is_free(path):
            path.unlink(missing_ok=True)
