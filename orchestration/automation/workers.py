"""Which process executes a run, and whether it is gone, whatever its machine is called by then.

Belongs here: the tag's text, the lock that a process holds while it lives, asking for it. Does not belong here: run
records (run_records), a process whose lock is not to be seen from here (heartbeats). The kernel lets go of the lock
when the process dies, also in another container on the same folder. The tag's hostname and pid are for people: a
restarted container has another hostname, two machines may share one, and a pid is anybody's.
"""

import fcntl
import os
import socket
import time
import uuid
from pathlib import Path

_KEPT_SECONDS = 7 * 24 * 3600.0
_held: dict[Path, int] = {}
"""Locks of this very process: open until it ends."""


def this_worker(folder: Path) -> str:
    """This process, as a tag value, with a lock in that folder, held until the process ends."""
    return f"{socket.gethostname()}|{os.getpid()}|{_lock_in(folder.resolve())}"


def is_worker_dead(worker: str) -> bool | None:
    """Whether the tagged process is gone: its lock is free. None where its lock is not to be seen from here."""
    lock = worker.rpartition("|")[2]
    return _is_free(Path(lock)) if lock.endswith(".lock") else None


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
