"""What an event costs by the rate at which events come: a warm run under paced traffic, from a trickle to a flood.

Usage: python -m benchmarks.rates [--seconds N] [--rounds N] [--rates N ...] [--records N] [--dry]. Writes a table
into docs/scaling.md. Belongs here: the traffic, the run and its meter. Does not belong here: the arithmetic and the
table (batch_costs.py). Each rate is run in two ways: with a batch as soon as there are records, which is what the job
does, and with batches so far apart, as PAYMENTS_BATCH_SECONDS has it, that they hold the same at every rate. CPU is the
run's (driver, JVM, Python workers) and the warehouse's; the broker's stands beside it, and the sender's, which shares
the cores, is left out.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.batch_costs import Drain, Trial, table
from benchmarks.figures import ROOT, write_table
from benchmarks.processes import cpu_seconds
from benchmarks.stack import send, stack
from local_stack.kafka import ensure_topic
from simulator.bulk import fastest
from spark_jobs.process_payments import POLL_SECONDS
from spark_jobs.run import Run
from spark_jobs.session import build_session
from spark_jobs.settings import JobSettings
from spark_jobs.source import TopicReader

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark_jobs.report import BatchReport

PAGE = ROOT / "docs" / "scaling.md"
RATES = (1_000, 5_000, 10_000, 25_000, 50_000)
RECORDS = 50_000
"""In a batch, where batches are apart: as many at every rate, so that only the rate differs."""
LEAST_BATCHES = 2
SECONDS = 10.0
ROUNDS = 4
"""A machine that is slow for a minute would else be one rate's cost."""
WARM_UPS = (200_000, *[1_000] * 20)
"""What the JVM compiles while it gets warm would else be a cost of the first rate."""
FIRST_EVENTS = 400
"""Before the traffic: a pipeline without a watermark would cut what it finds first into many small batches."""


class Sender:
    """The simulator at a rate, in a process of its own; how far behind the run is, half way and at the end.

    It is not reaped before `reap`: until then its CPU can be told from that of our other children.
    """

    def __init__(self, settings: JobSettings, rate: int, seconds: float, drains: list[Drain], before: int) -> None:
        self.backlogs: list[int] = []
        self._settings, self._seconds, self._drains, self._before = settings, seconds, drains, before
        paced = ["--rate", str(rate), "--duration", str(seconds), "--seed", str(rate)]
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


@dataclass(slots=True)
class Meter:
    """CPU seconds of ours and of the broker; what the sender needs is nobody's."""

    broker: int
    sender: int | None = None
    drains: list[Drain] = field(default_factory=list)
    _published: "list[BatchReport]" = field(default_factory=list)

    def read(self) -> tuple[float, float]:
        """Ours (this process and all below it but broker and sender), and the broker's."""
        broker = cpu_seconds(self.broker)
        others = cpu_seconds(self.sender) if self.sender else 0.0
        return cpu_seconds(os.getpid()) - broker - others, broker

    def published(self, report: "BatchReport") -> None:
        """A batch is published."""
        self._published.append(report)

    def drain(self, run: Run) -> bool:
        """Let the run look at the topic once. Returns whether there were records: then its cost is noted."""
        before = self.read()[0]
        if not run.drain_once(float("inf")):
            return False
        reports, self._published = self._published, []
        self.drains.append(
            Drain(
                len(reports),
                sum(report.delivered for report in reports),
                self.read()[0] - before,
                max(report.latency_p95_seconds for report in reports),
            )
        )
        return True


def trial(spark: "SparkSession", settings: JobSettings, broker: int, rate: int, paced: tuple[float, float]) -> Trial:
    """A rate for some seconds, on a topic and a dataset of its own, until all of it is published.

    Args:
        spark: a warm session.
        settings: where broker and warehouse are; topic, dataset and checkpoint are of nobody else.
        broker: its pid.
        rate: payments a second.
        paced: for how many seconds, and how many seconds lie between the starts of two batches; 0: none.
    """
    seconds, every = paced
    ensure_topic(settings.bootstrap_servers, settings.topic)
    meter = Meter(broker)
    with Run(spark, settings, meter.published) as run:
        before = send(settings, FIRST_EVENTS, seed=rate)
        meter.drain(run)
        meter.drains.clear()
        sender = Sender(settings, rate, seconds, meter.drains, before)
        try:
            meter.sender = sender.pid
            ours, broker_cpu = meter.read()
            drain_until_quiet(partial(meter.drain, run), sender, every)
            ours_after, broker_after = meter.read()
        finally:
            sender.reap()
    half, end = sender.backlogs
    return Trial(rate, every, seconds, tuple(meter.drains), ours_after - ours, broker_after - broker_cpu, half, end)


def drain_until_quiet(drain: Callable[[], bool], sender: Sender, every_seconds: float) -> None:
    """Batches, their starts at least so far apart, while there is traffic and until all of it is published."""
    while True:
        is_last, began = not sender.is_sending(), time.monotonic()
        if not drain():
            if is_last:
                return
            time.sleep(POLL_SECONDS)
            continue
        while sender.is_sending() and time.monotonic() - began < every_seconds:
            time.sleep(POLL_SECONDS)


@contextmanager
def warm_session(settings: JobSettings, folder: Path) -> Iterator["SparkSession"]:
    """A session whose JVM has seen large batches and small ones."""
    spark = build_session(settings, folder)
    try:
        with Run(spark, settings, lambda _: None) as run:
            for seed, events in enumerate(WARM_UPS, start=1):
                send(settings, events, seed)
                run.drain_once(float("inf"))
        yield spark
    finally:
        spark.stop()


def measure(rates: list[int], records: int, seconds: float, rounds: int) -> list[Trial]:
    """All trials, from the slowest rate to the fastest, again and again."""
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory() as name, stack(Path(name)) as (settings, (broker, _)):
        folder = Path(name)
        with warm_session(settings, folder) as spark:
            for _round, rate, most in product(range(rounds), sorted(rates), (0, records)):
                apart = _apart(settings, f"trial_{len(trials)}")
                trials.append(trial(spark, apart, broker, rate, pace(rate, most, seconds)))
                _say(trials[-1].line())
    return trials


def pace(rate: int, records: int, seconds: float) -> tuple[float, float]:
    """How long a rate goes on, and how far apart batches have to begin so that each holds so many records; 0: none."""
    every = records / rate
    return max(seconds, LEAST_BATCHES * every), every


def _apart(settings: JobSettings, name: str) -> JobSettings:
    return replace(settings, topic=name, dataset=name, checkpoint_location=f"{settings.checkpoint_location}/{name}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES), help="payments a second")
    parser.add_argument("--records", type=int, default=RECORDS, help="in a batch, where batches are apart")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each rate, in each round, at least")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each rate has its turn")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    shown = table(measure(options.rates, options.records, options.seconds, options.rounds))
    _say(shown)
    if not options.dry:
        write_table(PAGE, "rates", shown)


if __name__ == "__main__":
    main()
