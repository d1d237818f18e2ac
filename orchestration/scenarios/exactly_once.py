"""Exactly once: a run is killed as `kill -9` would, before your eyes, and the next one makes it good.

Belongs here: the killing, and what is left behind. Does not belong here: where a run can die
(spark_jobs.crash_points), recovery (spark_jobs.driver).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.scenarios.harness.proofs import claim_manifest
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript

if TYPE_CHECKING:
    from spark_jobs.crash_points import Point

EVENTS = 4_000
BATCH = 1_000
_SECONDS = 300


def run(sandbox: Sandbox, transcript: Transcript) -> None:
    """Runs killed mid-batch, before and after its commit: the next one loses nothing and doubles nothing."""
    from spark_jobs.crash_points import Point

    kill_and_recover(sandbox, transcript, (Point.LOAD_DONE, Point.COMMIT_ANSWERED))


MEANING = {
    "load_done": "the batch is loaded beside the tables, and not yet committed",
    "commit_answered": "the batch is committed, and Spark does not know it yet",
}


def kill_and_recover(sandbox: Sandbox, transcript: Transcript, points: "Sequence[Point]") -> None:
    """The scenario, killed at these points, each in the second batch of a run."""
    transcript.step(f"Send {EVENTS:,} payments with retries, late and broken ones")
    manifest = sandbox.simulate(EVENTS, seed=1)
    transcript.say(f"{len(manifest.deliveries):,} records are acknowledged.")
    codes = []
    for point in points:
        transcript.step(f"A run of its own process, killed where {MEANING[point]}")
        codes.append(killed_at(sandbox, point))
        transcript.say(
            f"The process ended by signal {signal.Signals(-codes[-1]).name}." if codes[-1] < 0 else "It ended."
        )
        _show(sandbox, transcript)
    transcript.step("The next run")
    reports = sandbox.drain()
    for report in reports:
        transcript.say(f"batch {report.batch_id}: {report.delivered} records, offsets {report.end_offsets}")
    _show(sandbox, transcript)
    transcript.claim("each run was killed", [-signal.SIGKILL] * len(points), codes)
    epochs = [row["epoch"] for row in sandbox.ask("select distinct epoch from {batch_ledger} order by epoch")]
    transcript.claim("every run published something", list(range(1, len(points) + 2)), epochs)
    claim_manifest(sandbox, transcript, manifest)


def killed_at(sandbox: Sandbox, point: "Point", batch: int = BATCH) -> int:
    """The exit code of a run that is told to die at its second visit."""
    reported = {"PAYMENTS_CRASH_AT": f"{point}:2:KILL", "PAYMENTS_MAX_OFFSETS_PER_BATCH": str(batch)}
    with (sandbox.folder / "killed.log").open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "spark_jobs.process_payments"],
            env={**os.environ, **sandbox.settings.environment(), **reported},
            stdout=log,
            stderr=log,
            check=False,
            timeout=_SECONDS,
        )
    return done.returncode


def _show(sandbox: Sandbox, transcript: Transcript) -> None:
    from spark_jobs.source.topic import TopicReader
    from spark_jobs.tables.names import STAGING_PREFIX

    with TopicReader(sandbox.settings.bootstrap_servers, sandbox.settings.topic) as topic:
        latest = topic.read().latest
    control = sandbox.control()
    rows = [(at, end, control.end_offsets[at], end - control.end_offsets[at]) for at, end in sorted(latest.items())]
    transcript.table("What the warehouse has", ("partition", "sent", "published", "waits"), rows)
    [held] = sandbox.ask("select count(*) as deliveries, max(batch_id) as batches from {payment_deliveries}")
    names = [item.table_id for item in sandbox.client.list_tables(sandbox.settings.dataset)]
    left = sum(name.startswith(STAGING_PREFIX) for name in names)
    transcript.say(
        f"{held['batches']} batches with {held['deliveries']:,} records; staging tables left behind: {left}."
    )
