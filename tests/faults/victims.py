"""How a part of the stack is killed, and nothing else with it."""

import os
import signal
from typing import Protocol


class Part(Protocol):
    """The broker or the warehouse."""

    def pid(self) -> int | None:
        """The part's pid while it lives."""


def kill(part: Part) -> None:
    """As `kill -9`. Never with pid 0: that would be our own process group."""
    pid = part.pid()
    assert pid, "it does not live"
    os.kill(pid, signal.SIGKILL)
