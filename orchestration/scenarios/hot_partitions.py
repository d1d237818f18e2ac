"""Hot partitions: one key has half of the traffic; what that does to Kafka's partitions, to the state, to a batch.

Belongs here: measuring and showing. Does not belong here: how a partition is split (spark_jobs/kafka_stream.py), how
ids fall into buckets (spark_jobs/packing.py).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestration.scenarios.harness.proofs import claim_manifest
from orchestration.scenarios.harness.sandbox import Corner
from orchestration.scenarios.harness.transcript import Story
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


def run(corner: Corner, story: Story) -> None:
    """A key with half of the traffic: Kafka's partitions are skewed, state and tasks are even, results stay exact."""
    measure(corner, story, EVENTS, ROUNDS)


def measure(corner: Corner, story: Story, events: int, rounds: int) -> None:
    """The same, of any size."""
    story.step(f"Send {events:,} payments, half of them of one account")
    manifest = corner.send_simulated(SimulationConfig(events=events, seed=1, hot_share=HOT_SHARE))
    partitions = Counter(record.partition for record in manifest.deliveries)
    buckets = Counter(_buckets(manifest, corner.settings.state_buckets))
    story.table("Kafka's partitions, by the hash of the sender", ("partition", "records", "share"), _shares(partitions))
    story.table("Buckets of the state, by the hash of the id", ("bucket", "records", "share"), _shares(buckets))

    # A first backlog is cut into batches; the hot partition's part of each is then cut once more.
    split = max(1, len(manifest.deliveries) // 4 // _TASKS_OF_A_BATCH)
    story.step(f"Drain it all, a task to a partition, then at most {split:,} records to a task, {rounds} times each")
    found: dict[int, list[Drained]] = {UNSPLIT: [], split: []}
    for number in range(rounds):
        for limit, drained in found.items():
            drained.append(_drain(beside(corner, f"{number}_{limit}"), limit))
    names = {UNSPLIT: "a task to a partition", split: f"at most {split:,} records to a task"}
    rows = [
        (names[limit], max(d.tasks for d in drained), *(f"{d.seconds:.2f}" for d in drained))
        for limit, drained in found.items()
    ]
    story.table("Before and after", ("", "tasks", *(f"seconds, {n}." for n in range(1, rounds + 1))), rows)

    hottest, total = max(partitions.values()), partitions.total()
    story.claim("the hot key makes one partition hold more than half", True, hottest > total / 2)
    even = total / corner.settings.state_buckets
    story.claim("no bucket is 10 % above its share", True, max(buckets.values()) < 1.1 * even)
    unsplit_tasks, split_tasks = (max(d.tasks for d in found[limit]) for limit in (UNSPLIT, split))
    story.claim("split, its records are read by more tasks", True, split_tasks > unsplit_tasks)
    for limit, name in names.items():
        story.say(f"Held against what was sent: {name}.")
        claim_manifest(beside(corner, f"0_{limit}"), story, manifest)


def beside(corner: Corner, name: str) -> Corner:
    """The same topic, with another dataset and checkpoint: it is published there from its beginning."""
    settings = replace(
        corner.settings,
        dataset=f"{corner.settings.dataset}_{name}",
        checkpoint_location=f"{corner.settings.checkpoint_location}/{name}",
        staging_location=f"{corner.settings.staging_location}/{name}",
    )
    return replace(corner, settings=settings)


def _drain(corner: Corner, limit: int) -> Drained:
    first = _after_the_last_stage(corner, 0)
    reports = corner.drain(max_records_per_task=limit)
    tracker = corner.spark.sparkContext.statusTracker()
    stages = (tracker.getStageInfo(stage) for stage in range(first, _after_the_last_stage(corner, first)))
    return Drained(sum(report.process_seconds for report in reports), sum(s.numTasks for s in stages if s))


def _after_the_last_stage(corner: Corner, stage: int) -> int:
    tracker = corner.spark.sparkContext.statusTracker()
    last = stage
    while stage - last < _STAGES_AFTER_THE_LAST:
        stage += 1
        last = stage if tracker.getStageInfo(stage - 1) else last
    return last


def _buckets(manifest: "Manifest", buckets: int) -> list[int]:
    """The bucket of every valid record."""
    import hashlib

    import numpy as np

    from spark_jobs.streaming.packing import buckets_of

    ids = [record.transaction_id for record in manifest.deliveries if record.transaction_id]
    hashes = b"".join(hashlib.md5(name.encode(), usedforsecurity=False).digest() for name in ids)
    bucket: list[int] = buckets_of(hashes, np.ones(len(ids), dtype=bool), buckets).tolist()
    return bucket


def _shares(counts: Counter[int]) -> Iterable[tuple[int, int, str]]:
    return [(key, count, f"{100 * count / counts.total():.0f} %") for key, count in sorted(counts.items())]
