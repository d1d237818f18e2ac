"""Ours and the peers on the same topic, in turn, each result held against the oracle.

Usage: python -m benchmarks.bench [--quick] [--events N] [--rounds N] [--only NAME ...].
Belongs here: rounds, and what is measured of them. Does not belong here: one run (contest.py), tables and the plot
(results.py). Writes benchmarks/latest.json, docs/performance.md and its plot; with --only, nothing but what it prints.
"""

import argparse
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import contest, latency, oracle, results
from benchmarks.contest import CONTENDERS, OURS, Contender, Failed, Reading, Task
from benchmarks.results import Outcome
from benchmarks.stack import stack
from local_stack.kafka import ensure_topic
from simulator.config import SimulationConfig
from simulator.simulate import simulate
from spark_jobs.settings import JobSettings, payments_home
from spark_jobs.source import TopicReader

RETRY_RATE = 0.1
WARM_EVENTS = 20_000
WARM_TOPIC = "warm-up"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    events: int
    rounds: int
    rate: float
    paced_seconds: float
    timeout_seconds: float


FULL = Size(events=2_000_000, rounds=2, rate=2_000, paced_seconds=60, timeout_seconds=900)
QUICK = Size(events=300_000, rounds=1, rate=1_000, paced_seconds=20, timeout_seconds=300)


@dataclass(frozen=True, slots=True)
class Arena:
    """A loaded broker, a warehouse, and the truth about the topic."""

    folder: Path
    settings: JobSettings
    broker: int
    warehouse: int
    task: Task
    truth: oracle.Truth

    def run(self, contender: Contender, number: int, timeout_seconds: float) -> Outcome:
        """A contender once. Raises Failed."""
        folder = self.folder / f"{contender.name}-{number}"
        folder.mkdir()
        settings = replace(self.settings, dataset=f"round_{number}")
        is_ours = contender is OURS
        reading = contest.run(
            contender,
            self.task,
            folder,
            payments_home(),
            broker=self.broker,
            servers=(self.warehouse,) if is_ours else (),
            env={**settings.environment(), "PAYMENTS_HOME": str(self.folder)} if is_ours else None,
            timeout_seconds=timeout_seconds,
        )
        found = self.found(contender, settings, folder / "full" / "output")
        outcome = _outcome(contender, self.task, reading, is_exact=found == self.truth, keys=found.ids)
        shutil.rmtree(folder)
        return outcome

    def found(self, contender: Contender, settings: JobSettings, output: Path) -> oracle.Truth:
        """What a contender has made of the large topic."""
        if contender.output == "warehouse":
            return oracle.in_warehouse(settings)
        files = oracle.delta_files(output) if contender.output == "delta" else oracle.parquet_files(output)
        return oracle.in_files(files)


def _outcome(contender: Contender, task: Task, reading: Reading, *, is_exact: bool, keys: int) -> Outcome:
    keys = reading.told.get("state_keys", keys) or 1
    state_bytes = reading.told.get("state_bytes", reading.disk_bytes)
    return Outcome(
        name=contender.name,
        title=contender.title,
        lacks=reading.told["lacks"],
        events_per_second=task.records / reading.seconds,
        cpu_seconds_per_million=reading.cpu / task.records * 1e6,
        broker_cpu_seconds_per_million=reading.broker_cpu / task.records * 1e6,
        cold_start_seconds=reading.cold_seconds,
        cold_cpu_seconds=reading.cold_cpu,
        peak_memory_bytes=reading.peak_bytes,
        state_bytes_per_key=state_bytes / keys or None,
        disk_bytes_per_key=reading.disk_bytes / keys or None,
        exact=is_exact,
    )


@contextmanager
def arena(events: int) -> Iterator[Arena]:
    """Broker, warehouse and both topics, filled."""
    with tempfile.TemporaryDirectory() as name, stack(Path(name)) as (settings, (broker, warehouse)):
        folder = Path(name)
        ensure_topic(settings.bootstrap_servers, WARM_TOPIC)
        _send(settings, WARM_TOPIC, min(WARM_EVENTS, events), seed=1, manifest=None)
        _send(settings, settings.topic, events, seed=2, manifest=folder / "manifest")
        task = Task(
            bootstrap_servers=settings.bootstrap_servers,
            warm_topic=WARM_TOPIC,
            warm_ends=_ends(settings, WARM_TOPIC),
            topic=settings.topic,
            ends=_ends(settings, settings.topic),
        )
        truth = oracle.sent(folder / "manifest")
        (folder / "manifest").unlink()
        yield Arena(folder, settings, broker, warehouse, task, truth)


def _send(settings: JobSettings, topic: str, events: int, seed: int, manifest: Path | None) -> None:
    """Payments and retries only: what a peer has no notion of (broken, conflicting, late) would set them apart."""
    payments = round(events / (1 + RETRY_RATE))
    config = SimulationConfig(
        events=payments, seed=seed, retry_rate=RETRY_RATE, conflict_share=0, late_rate=0, malformed_rate=0
    )
    simulate(config, settings.bootstrap_servers, topic, manifest)


def _ends(settings: JobSettings, topic: str) -> dict[int, int]:
    with TopicReader(settings.bootstrap_servers, topic) as reader:
        return reader.read().latest


def measure(size: Size, contenders: list[Contender]) -> tuple[list[Outcome], list[str]]:
    """The median outcome of each contender over all rounds, and why any is missing."""
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    missing: list[str] = []
    with arena(size.events) as ready:
        for number in range(size.rounds):
            # Who comes first has the disk cache colder: each round begins with another one.
            for contender in contenders[number % len(contenders) :] + contenders[: number % len(contenders)]:
                try:
                    outcome = ready.run(contender, number, size.timeout_seconds)
                except Failed as failure:
                    missing.append(str(failure))
                    _say(str(failure))
                    continue
                outcomes[contender.name].append(outcome)
                _say(results.line(outcome))
    return [results.median(outcomes[c.name]) for c in contenders if outcomes[c.name]], missing


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="300,000 events, one round: within 5 minutes")
    parser.add_argument("--events", type=int)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="*", choices=[contender.name for contender in CONTENDERS])
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    size = replace(size, events=options.events or size.events, rounds=options.rounds or size.rounds)
    contenders = [c for c in CONTENDERS if not options.only or c.name in options.only]
    outcomes, missing = measure(size, contenders)
    if options.only:
        return
    paced = latency.measure(size.rate, size.paced_seconds)[-1]
    outcomes = [replace(o, p95_latency_seconds=paced.p95) if o.name == OURS.name else o for o in outcomes]
    results.keep(outcomes, missing, size.events, size.rounds, size.rate)


if __name__ == "__main__":
    main()
