"""What contenders compete in: a loaded broker, a warehouse, and the truth about the topic.

Belongs here: filling it, one run of a contender in it, and reading back what came of it. Does not belong here: how a
process is run and metered (contest), rounds (bench), kills (recovery).
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from benchmarks.contest import contest, oracle, pacing
from benchmarks.contest.contest import OURS, Contender, Failed, Reading, Task
from benchmarks.contest.ours import settings_of
from benchmarks.contest.pacing import Pace
from benchmarks.contest.results import Outcome
from benchmarks.harness.stack import ends, stack
from benchmarks.peers.protocol import PACED
from local_stack.kafka import ensure_topic
from simulator.config import SimulationConfig
from simulator.sending.simulate import simulate
from spark_jobs.settings import JobSettings, payments_home

RETRY_RATE = 0.1
WARM_EVENTS = 20_000
WARM_TOPIC = "warm-up"


@dataclass(frozen=True, slots=True)
class Arena:
    """A loaded broker, a warehouse, and the truth about the topic."""

    folder: Path
    settings: JobSettings
    broker: int
    warehouse: int
    task: Task
    truth: oracle.Truth

    def run(self, contender: Contender, number: int, timeout_seconds: float, pace: Pace | None = None) -> Outcome:
        """A contender once; its latency where there is a pace. Raises Failed."""
        folder = self.folder / f"{contender.name}-{number}"
        folder.mkdir()
        settings = replace(self.settings, dataset=f"round_{number}")
        paced = settings_of(settings, f"paced-{contender.name}-{number}")
        with contest.started(
            contender,
            self.task,
            folder,
            payments_home(),
            env=self.environment(contender, settings),
            timeout_seconds=timeout_seconds,
        ) as child:
            reading = contest.metered(child, folder, self.broker, (self.warehouse,) if contender is OURS else ())
            p95 = pacing.p95(child, contender, paced, folder / PACED / "output", pace) if pace else None
        try:
            found = self.found(contender, settings, folder / "full" / "output")
        except duckdb.Error as error:
            raise Failed(f"{contender.name} left what cannot be read: {error}") from None
        outcome = _outcome(contender, self.task, reading, is_exact=found == self.truth, keys=found.ids)
        shutil.rmtree(folder)
        return replace(outcome, p95_latency_seconds=p95)

    def environment(self, contender: Contender, settings: JobSettings) -> dict[str, str] | None:
        """What a contender is told beside its arguments: ours, where the warehouse is."""
        return {**settings.environment(), "PAYMENTS_HOME": str(self.folder)} if contender is OURS else None

    def found(self, contender: Contender, settings: JobSettings, output: Path) -> oracle.Truth:
        """What a contender has made of the large topic."""
        if contender.output == "warehouse":
            return oracle.in_warehouse(settings)
        return oracle.in_files(oracle.files(contender.output, output))


def _outcome(contender: Contender, task: Task, reading: Reading, *, is_exact: bool, keys: int) -> Outcome:
    keys = reading.report.get("state_keys", keys) or 1
    state_bytes = reading.report.get("state_bytes", reading.disk_bytes)
    return Outcome(
        name=contender.name,
        title=contender.title,
        lacks=reading.report["lacks"],
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
            warm_ends=ends(settings, WARM_TOPIC),
            topic=settings.topic,
            ends=ends(settings, settings.topic),
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
