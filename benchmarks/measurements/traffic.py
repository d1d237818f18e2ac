"""Paced traffic for a measurement, from a process of its own.

Belongs here: the simulator at a rate, and how far behind it whoever drains is. Does not belong here: what is
measured of the draining (rates), bursts without a pace (stack.send).
"""

import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from benchmarks.harness.figures import ROOT
from benchmarks.measurements.batch_costs import Drain
from simulator.sending.bulk import fastest
from spark_jobs.settings import JobSettings
from spark_jobs.source.topic import TopicReader


class Sender:
    """The simulator at a rate, in a process of its own.

    It is not reaped before the context ends: until then its CPU can be told from that of our other children.
    """

    def __init__(self, settings: JobSettings, rate: float, seconds: float, seed: int) -> None:
        paced = ["--rate", str(rate), "--duration", str(seconds), "--seed", str(seed)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--bulk", fastest(), *paced],
            cwd=ROOT,
            env={**os.environ, **settings.environment()},
            stdout=subprocess.PIPE,
        )
        self._watch = threading.Thread(target=self._follow, daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def is_sending(self) -> bool:
        """Whether there is more to come, or whoever follows it is not done yet."""
        return self._watch.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it. Raises RuntimeError where it failed."""
        self._process.terminate()
        if self._process.wait():
            raise RuntimeError(f"the simulator ended with {self._process.returncode}.")

    def _follow(self) -> None:
        assert self._process.stdout  # noqa: S101 - for the type checker: it is a pipe
        # Its words come once everything is acknowledged.
        self._process.stdout.read()


class WatchedSender(Sender):
    """A sender, and how far behind it the run is, half way and at the end.

    `drains` are those of the run so far; `before` is how many records the topic had before the traffic.
    """

    def __init__(
        self, settings: JobSettings, rate: float, seconds: float, seed: int, drains: list[Drain], before: int
    ) -> None:
        self.backlogs: list[int] = []
        self._settings, self._seconds, self._drains, self._before = settings, seconds, drains, before
        super().__init__(settings, rate, seconds, seed)

    def _follow(self) -> None:
        with TopicReader(self._settings.bootstrap_servers, self._settings.topic) as topic:

            def look() -> None:
                sent = sum(topic.read().latest.values()) - self._before
                self.backlogs.append(sent - sum(drain.records for drain in self._drains))

            half = threading.Timer(self._seconds / 2, look)
            half.start()
            super()._follow()
            half.join()
            look()
