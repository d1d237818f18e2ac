"""What an event costs by the rate at which events come: a warm run under paced traffic, from a trickle to a flood.

Usage: python -m benchmarks.measurements.rates [--seconds N] [--rounds N] [--bursts N] [--rates N ...] [--records N]
[--dry]. Writes two tables into docs/scaling.md. Belongs here: the traffic, the run and its meter. Does not belong
here: the arithmetic and the tables (batch_costs). Each rate is run in two ways: with a batch as soon as there are
records, which is what the job does; and with as many records in each batch at every rate, as PAYMENTS_BATCH_SECONDS
would have it, so that nothing differs but how long they took to come; what a batch costs after such a time with
hardly any records is taken off. CPU is the run's (driver, JVM, Python workers) and the warehouse's; the broker's
stands beside it, and the sender's, which shares the cores, is left out.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.harness.figures import ROOT, write_table
from benchmarks.harness.processes import cpu_seconds
from benchmarks.harness.stack import send, stack
from benchmarks.measurements.batch_costs import Burst, Drain, Trial, bursts_table, trials_table
from benchmarks.measurements.traffic import Sender, WatchedSender
from benchmarks.measurements.yardstick import Yardstick
from local_stack.kafka import ensure_topic
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import build_session
from spark_jobs.process_payments import POLL_SECONDS
from spark_jobs.settings import JobSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from spark_jobs.publishing.batch_report import BatchReport

PAGE = ROOT / "docs" / "scaling.md"
RATES = (1_000, 5_000, 10_000, 25_000, 50_000)
SECONDS = 10.0
ROUNDS = 2
RECORDS = 50_000
"""In each batch of a burst: at 1,000/s they come within 50 s. After a minute idle Python workers would have ended."""
LIKE_BEFORE = 4
"""So many batches of that size before the first that counts: a large one after small ones costs more than its like."""
BURSTS = 16
"""Rounds, in which each rate has its turn: a machine that is slow for a minute would else be one rate's cost."""
THINNED = 100
"""Of the records of a nearly empty batch: so many times less than of a burst."""
WARM_UPS = (200_000, *[1_000] * 20)
"""What the JVM compiles while it gets warm would else be a cost of the first rate."""
FIRST_EVENTS = 400
"""Before the traffic: a pipeline without a watermark would cut what it finds first into many small batches."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Of the bursts: records in each batch, and how often each rate has its turn."""

    records: int
    rounds: int


@dataclass(slots=True)
class Meter:
    """CPU seconds of ours and of the broker; what `others` need, sender and yardstick, is nobody's."""

    broker: int
    others: tuple[int, ...] = ()
    drains: list[Drain] = field(default_factory=list)
    _published: "list[BatchReport]" = field(default_factory=list)

    def read(self) -> tuple[float, float]:
        """Ours (this process and all below it but broker and others), and the broker's."""
        broker = cpu_seconds(self.broker)
        return cpu_seconds(os.getpid()) - broker - cpu_seconds(*self.others), broker

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


def trial(spark: "SparkSession", settings: JobSettings, broker: int, rate: int, seconds: float) -> Trial:
    """A rate for some seconds, a batch as soon as there are records, until all of it is published.

    Args:
        spark: a warm session.
        settings: where broker and warehouse are; topic, dataset and checkpoint are of nobody else.
        broker: its pid.
        rate: payments a second.
        seconds: for so long.
    """
    ensure_topic(settings.bootstrap_servers, settings.topic)
    meter = Meter(broker)
    with Run(spark, settings, meter.published) as run:
        before = send(settings, FIRST_EVENTS, seed=1)
        meter.drain(run)
        meter.drains.clear()
        with WatchedSender(settings, rate, seconds, seed=2, drains=meter.drains, before=before) as sender:
            meter.others = (sender.pid,)
            ours, broker_cpu = meter.read()
            drain_until_quiet(partial(meter.drain, run), sender)
            ours_after, broker_after = meter.read()
    half, end = sender.backlogs
    return Trial(rate, seconds, tuple(meter.drains), ours_after - ours, broker_after - broker_cpu, half, end)


def drain_until_quiet(drain: Callable[[], bool], sender: Sender) -> None:
    """One batch after the other while there is traffic, and until all of it is published."""
    while True:
        is_last = not sender.is_sending()
        if not drain():
            if is_last:
                return
            time.sleep(POLL_SECONDS)


def bursts(
    spark: "SparkSession", settings: JobSettings, broker: int, rates: list[int], plan: Plan, thinned: int = 1
) -> list[Burst]:
    """Batches of so many records, which come at each of the rates in turn, again and again.

    Every other round begins with the fastest. `settings` are of a topic, a dataset and a checkpoint of nobody else.
    Of the records, only one in `thinned` comes, within the same time.
    """
    ensure_topic(settings.bootstrap_servers, settings.topic)
    found: list[Burst] = []
    meter = Meter(broker)
    with Yardstick() as yardstick, Run(spark, settings, meter.published) as run:
        for seed, events in enumerate((FIRST_EVENTS, *[plan.records // thinned] * LIKE_BEFORE)):
            send(settings, events, seed)
            meter.drain(run)
        for number in range(plan.rounds):
            for rate in rates[:: -1 if number % 2 else 1]:
                with Sender(settings, rate / thinned, plan.records / rate, seed=10 + len(found)) as sender:
                    found.append(_burst(run, meter, yardstick, rate, sender))
                _say(found[-1].line())
    return found


def _burst(run: Run, meter: Meter, yardstick: Yardstick, rate: int, sender: Sender) -> Burst:
    meter.others = (sender.pid, *yardstick.pids)
    began, ours = time.monotonic(), meter.read()[0]
    while sender.is_sending():
        time.sleep(POLL_SECONDS)
    waited, waiting = time.monotonic() - began, meter.read()[0] - ours
    drained = time.monotonic()
    meter.drain(run)
    return Burst(rate, waited, waiting, meter.drains[-1], yardstick.stroke_seconds(drained, time.monotonic()))


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


def measure(options: argparse.Namespace) -> tuple[list[Trial], list[Burst], list[Burst]]:
    """All trials, then all bursts, then all of next to no records; each rate has its turn in each round."""
    rates, plan = sorted(options.rates), Plan(options.records, options.bursts)
    trials: list[Trial] = []
    with (
        tempfile.TemporaryDirectory() as name,
        stack(Path(name)) as (settings, (broker, _)),
        warm_session(settings, Path(name)) as spark,
    ):
        for _round, rate in product(range(options.rounds), rates):
            apart = _apart(settings, f"trial_{len(trials)}")
            trials.append(trial(spark, apart, broker, rate, options.seconds))
            _say(trials[-1].line())
        full = bursts(spark, _apart(settings, "bursts"), broker, rates, plan)
        return trials, full, bursts(spark, _apart(settings, "nearly_empty"), broker, rates, plan, THINNED)


def _apart(settings: JobSettings, name: str) -> JobSettings:
    return replace(settings, topic=name, dataset=name, checkpoint_location=f"{settings.checkpoint_location}/{name}")


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=list(RATES), help="payments a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each rate, in each round")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each rate has its turn")
    parser.add_argument("--records", type=int, default=RECORDS, help="in each batch of a burst")
    parser.add_argument("--bursts", type=int, default=BURSTS, help="how many of each rate; two or more")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    trials, full, nearly_empty = measure(options)
    for name, shown in (("rates", trials_table(trials)), ("bursts", bursts_table(full, nearly_empty))):
        _say(shown)
        if not options.dry:
            write_table(PAGE, name, shown)


if __name__ == "__main__":
    main()
