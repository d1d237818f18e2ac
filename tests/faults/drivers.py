"""Drivers: processes that run the streaming job once, warm, and meet their fate on the way.

Belongs here: starting them ahead of time, telling them what will happen, waiting. Does not belong here: what must hold
afterwards (the oracle and the tests). They run the program `driver`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.world import World

TIMEOUT_SECONDS = 180


class Driver:
    """A driver process that warms up and waits to be told what to do."""

    def __init__(self, world: World, **environment: str) -> None:
        self._log = world.folder / "driver.log"
        self._said = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.driver"],
                env=os.environ | world.settings.environment() | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def begin(self, fate: str = "") -> None:
        """Drain now, with PAYMENTS_CRASH_AT set to `fate`."""
        assert self._process.stdin
        self._process.stdin.write(f"{fate}\n".encode())
        self._process.stdin.flush()

    def end(self, timeout_seconds: float = TIMEOUT_SECONDS) -> int:
        """Wait for its end; returns the exit code."""
        self._process.communicate(timeout=timeout_seconds)
        return self._process.returncode

    def drain(self, fate: str = "") -> int:
        """Begin, and wait for the end."""
        self.begin(fate)
        return self.end()

    def wait_until_stopped(self) -> None:
        """Until it has stopped itself, by SIGSTOP."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        stat = Path(f"/proc/{self._process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            assert self._process.poll() is None, self.output()
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.05)

    def signal(self, number: signal.Signals) -> None:
        """To the driver alone."""
        self._process.send_signal(number)

    def output(self) -> str:
        """What it wrote to standard error."""
        return self._log.read_bytes()[self._said :].decode(errors="replace")

    def close(self) -> None:
        """Whatever it is at."""
        self._process.kill()
        # Also closes the pipes of a driver that was never used.
        self._process.communicate()


@contextmanager
def warm_drivers(world: World) -> Iterator[Iterator[Driver]]:
    """Drivers one after the other; the next one warms up while the last one is used."""
    drivers: list[Driver] = [Driver(world)]

    def following() -> Iterator[Driver]:
        while True:
            drivers.append(Driver(world))
            yield drivers[-2]

    try:
        yield following()
    finally:
        for driver in drivers:
            driver.close()
