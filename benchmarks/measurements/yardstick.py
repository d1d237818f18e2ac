"""How fast this machine's cores are from moment to moment, by a piece of work that is always the same.

Belongs here: the strokes and their mean. Does not belong here: what is held against them (batch_costs). A core whose
sibling thread somebody else uses does half as much in a second of CPU, and on a shared machine that changes from one
second to the next. As a process for each core: python -m benchmarks.measurements.yardstick CORE.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from statistics import fmean
from types import TracebackType

from benchmarks.harness.figures import ROOT

_STROKE = 8_000
_PAUSE_SECONDS = 0.02


class Yardstick(AbstractContextManager["Yardstick"]):
    """Strokes on every core, a twentieth of its time, for as long as the context is open."""

    def __enter__(self) -> "Yardstick":
        self._strokes: list[tuple[float, float]] = []
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.measurements.yardstick", str(core)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for core in sorted(os.sched_getaffinity(0))
        ]
        self._readers = [threading.Thread(target=self._read, args=(process,)) for process in self._processes]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process, reader in zip(self._processes, self._readers, strict=True):
            with process:
                process.kill()
                reader.join()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of its processes, whose CPU is nobody's."""
        return tuple(process.pid for process in self._processes)

    def stroke_seconds(self, since: float, until: float) -> float:
        """CPU seconds of a stroke, the mean of those that ended between two readings of the monotonic clock.

        Raises ValueError where none did.
        """
        strokes = [seconds for at, seconds in list(self._strokes) if since <= at <= until]
        if not strokes:
            raise ValueError(f"no stroke of the yardstick ended within these {until - since:.3f} s.")
        return fmean(strokes)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout  # noqa: S101 - for the type checker: it is a pipe
        for line in process.stdout:
            at, seconds = line.split()
            self._strokes.append((float(at), float(seconds)))


def _beat(core: int) -> None:
    """Tell when each stroke on a core ended, and its CPU seconds, until nobody listens."""
    os.sched_setaffinity(0, {core})
    with suppress(BrokenPipeError):
        while True:
            time.sleep(_PAUSE_SECONDS)
            began = time.thread_time()
            sum(number * number for number in range(_STROKE))
            seconds = time.thread_time() - began
            # In one piece, also where Python does not buffer: a kill must not leave half a line.
            os.write(sys.stdout.fileno(), f"{time.monotonic()} {seconds}\n".encode())


if __name__ == "__main__":
    _beat(int(sys.argv[1]))
