"""Paced traffic for a measurement, from a process of its own.

Belongs here: the simulator at a rate, and how far behind it whoever drains is. Does not belong here: what is
measured of the draining (rates.py), bursts without a pace (stack.send).
"""

import os
import subprocess
import sys
import threading

from benchmarks.batch_costs import Drain
from benchmarks.figures import ROOT
from simulator.bulk import fastest
from spark_jobs.settings import JobSettings
from spark_jobs.source import TopicReader


class Sender:
    """The simulator at a rate, in a process of its own; how far behind the run is, half way and at the end.

    It is not reaped before `reap`: until then its CPU can be told from that of our other children.
    """

    def __init__(
        self, settings: JobSettings, rate: int, seconds: float, drains: list[Drain], before: int, seed: int
    ) -> None:
        self.backlogs: list[int] = []
        self._settings, self._seconds, self._drains, self._before = settings, seconds, drains, before
        paced = ["--rate", str(rate), "--duration", str(seconds), "--seed", str(seed)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--bulk", fastest(), *paced],
            cwd=ROOT,
            env={**os.environ, **settings.environment()},
            stdout=subprocess.PIPE,
        )
        self._watch = threading.Thread(target=self._look_back, daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def is_sending(self) -> bool:
        """Whether there is more to come, or the last look back is not taken yet."""
        return self._watch.is_alive()

    def reap(self) -> None:
        """End it. Raises RuntimeError where it failed."""
        self._process.terminate()
        if self._process.wait():
            raise RuntimeError(f"the simulator ended with {self._process.returncode}.")

    def _look_back(self) -> None:
        assert self._process.stdout  # noqa: S101 - for the type checker: it is a pipe
        with TopicReader(self._settings.bootstrap_servers, self._settings.topic) as topic:

            def look() -> None:
                sent = sum(topic.read().latest.values()) - self._before
                self.backlogs.append(sent - sum(drain.records for drain in self._drains))

            half = threading.Timer(self._seconds / 2, look)
            half.start()
            # Its words come once everything is acknowledged.
            self._process.stdout.read()
            half.join()
            look()
