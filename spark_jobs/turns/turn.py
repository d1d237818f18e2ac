"""What a turn is, and the two plain ones: at once, and by a lock of this machine.

Belongs here: the type that a run is given, the lock's file. Does not belong here: a turn among machines (lease).
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.1


class Hold:
    """A turn that is ours until we let go of it, as a lock of the kernel is: nobody can take it away."""

    def check(self) -> None:
        """Return where the turn is ours, as far as this process knows. It costs nothing.

        Raises:
            Incident: FENCED, where it is another's.
        """

    def confirm(self) -> None:
        """Return where the turn is ours, by whoever decides it.

        Raises:
            Incident: FENCED, where it is another's; the kind of whoever decides it, where that does not answer.
        """


type Turn = Callable[[Callable[[], None]], AbstractContextManager[Hold]]
"""Waits for this process's turn, for the time of the block; calls what it is given once, where it has to wait."""


@contextmanager
def at_once(_before_waiting: Callable[[], None]) -> Iterator[Hold]:
    """Whoever else is at it: the epoch fences them."""
    yield Hold()


@contextmanager
def by_lock(
    lock: Path, before_waiting: Callable[[], None], waiting: Callable[[], None] = lambda: None
) -> Iterator[Hold]:
    """Wait until no other process holds the lock, and hold it. The kernel lets go of it when a process dies.

    Args:
        lock: a file that all of them see.
        before_waiting: called once, where somebody else holds it.
        waiting: called again and again while it is waited for.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        if not _is_ours(file):
            before_waiting()
            while not _is_ours(file):
                waiting()
                time.sleep(POLL_SECONDS)
        yield Hold()


def _is_ours(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
