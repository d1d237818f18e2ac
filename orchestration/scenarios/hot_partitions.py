"""Hot partitions: one key has half of the traffic; what that does to Kafka's partitions, to the state, to a batch.

Belongs here: measuring and showing. Does not belong here: how a partition is split (spark_jobs.source), how
ids fall into buckets (spark_jobs.streaming).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration.scenarios.harness.proofs import claim_manifest
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from simulator.config import SimulationConfig

if TYPE_CHECKING:
    from simulator.sending.manifest import Manifest

EVENTS = 40_000
ROUNDS = 2
HOT_SHARE = 0.5
UNSPLIT = 999_999_999
_TASKS_OF_A_BATCH = 8
_STAGES_AFTER_THE_LAST = 50


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain of everything: seconds until staged and tasks, both of all batches together."""

    seconds: float
    tasks: int


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """A key with half of the traffic: Kafka's partitions are skewed, state and tasks are even, results stay exact."""
    measure(sandbox, transcript, EVENTS, ROUNDS)


def measure(sandbox: Sandbox, transcript: Transcript, events: int, rounds: int) -> None:
    """The same, of any size."""
    transcript.step(f"Send {events:,} payments, half of them of one account")
    manifest = sandbox.send_simulated(SimulationConfig(events=events, seed=1, hot_share=HOT_SHARE))
    partitions = Counter(record.partition for record in manifest.deliveries)
    buckets = Counter(_buckets(manifest, sandbox.settings.state_buckets))
    transcript.table(
        "Kafka's partitions, by the hash of the sender", ("partition", "records", "share"), _shares(partitions)
    )
    transcript.table("Buckets of the state, by the hash of the id", ("bucket", "records", "share"), _shares(buckets))

    # A first backlog is cut into batches; the hot partition's part of each is then cut once more.
    split = max(1, len(manifest.deliveries) // 4 // _TASKS_OF_A_BATCH)
    transcript.step(
        f"Drain it all, a task to a partition, then at most {split:,} records to a task, {rounds} times each"
    )
    found: dict[int, list[Drained]] = {UNSPLIT: [], split: []}
    for number in range(rounds):
        for limit, drained in found.items():
            drained.append(_drain(beside(sandbox, f"{number}_{limit}"), limit))
    names = {UNSPLIT: "a task to a partition", split: f"at most {split:,} records to a task"}
    rows = [
        (names[limit], max(d.tasks for d in drained), *(f"{d.seconds:.2f}" for d in drained))
        for limit, drained in found.items()
    ]
    transcript.table("Before and after", ("", "tasks", *(f"seconds, {n}." for n in range(1, rounds + 1))), rows)

    hottest, total = max(partitions.values()), partitions.total()
    transcript.claim("the hot key makes one partition hold more than half", True, hottest > total / 2)
    even = total / sandbox.settings.state_buckets
    transcript.claim("no bucket is 10 % above its share", True, max(buckets.values()) < 1.1 * even)
    unsplit_tasks, split_tasks = (max(d.tasks for d in found[limit]) for limit in (UNSPLIT, split))
    transcript.claim("split, its records are read by more tasks", True, split_tasks > unsplit_tasks)
    for limit, name in names.items():
        transcript.say(f"Held against what was sent: {name}.")
        claim_manifest(beside(sandbox, f"0_{limit}"), transcript, manifest)


def beside(sandbox: Sandbox, name: str) -> Sandbox:
    """The same topic, with another dataset and checkpoint: it is published there from its beginning."""
    settings = replace(
        sandbox.settings,
        dataset=f"{sandbox.settings.dataset}_{name}",
        checkpoint_location=f"{sandbox.settings.checkpoint_location}/{name}",
        staging_location=f"{sandbox.settings.staging_location}/{name}",
    )
    return replace(sandbox, settings=settings)


def _drain(sandbox: Sandbox, limit: int) -> Drained:
    first = _after_the_last_stage(sandbox, 0)
    reports = sandbox.drain(max_records_per_task=limit)
    tracker = sandbox.spark.sparkContext.statusTracker()
    stages = (tracker.getStageInfo(stage) for stage in range(first, _after_the_last_stage(sandbox, first)))
    return Drained(sum(report.process_seconds for report in reports), sum(s.numTasks for s in stages if s))


def _after_the_last_stage(sandbox: Sandbox, stage: int) -> int:
    tracker = sandbox.spark.sparkContext.statusTracker()
    last = stage
    while stage - last < _STAGES_AFTER_THE_LAST:
        stage += 1
        last = stage if tracker.getStageInfo(stage - 1) else last
    return last


def _buckets(manifest: "Manifest", buckets: int) -> list[int]:
    """The bucket of every valid record."""
    import hashlib

    import numpy as np

    from spark_jobs.deduplication.buckets import buckets_of

    ids = [record.transaction_id for record in manifest.deliveries if record.transaction_id]
    hashes = b"".join(hashlib.md5(name.encode(), usedforsecurity=False).digest() for name in ids)
    bucket: list[int] = buckets_of(hashes, np.ones(len(ids), dtype=bool), buckets).tolist()
    return bucket


def _shares(counts: Counter[int]) -> Iterable[tuple[int, int, str]]:
    return [(key, count, f"{100 * count / counts.total():.0f} %") for key, count in sorted(counts.items())]
