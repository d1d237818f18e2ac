"""`python -m spark_jobs.processor`: publish what comes, until a SIGTERM, while it is this process's turn.

Belongs here: arguments, signals, the order of things. Does not belong here: one run (process_payments).
"""

import argparse
import os
import re
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from spark_jobs.driver.standby import warm_up
from spark_jobs.process_payments import drain
from spark_jobs.processor.kubernetes_lease import Lease, held, in_cluster
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import SettingError, payments_home, read_job_settings

IDLE_SECONDS = 240
"""A run that has had nothing to do for so long is followed by another: a run's start is a sign that all is well."""
SHIFT_SECONDS = 3600

_LEASE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252}")

type Turn = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Waits for this process's turn, for the time of the block; calls what it is given once, where it has to wait."""


def turn_of(alive: Callable[[], None], env: Mapping[str, str] | None = None) -> Turn:
    """By the Lease that the environment names; without one it is always this process's turn.

    Raises:
        SettingError: it names none.
    """
    env = os.environ if env is None else env
    name = env.get("PAYMENTS_TURN_LEASE") or ""
    if not name:
        return lambda _: nullcontext()
    if not _LEASE.fullmatch(name):
        raise SettingError(f"PAYMENTS_TURN_LEASE must be NAMESPACE/NAME of a Lease in Kubernetes, not {name!r}.")
    lease = Lease(name, f"{socket.gethostname()}_{uuid.uuid4().hex}", in_cluster(name))
    return lambda before_waiting: held(lease, before_waiting, alive)


def go_on(run: Callable[[], object], turn: Turn, warm: Callable[[], None], alive: Callable[[], None]) -> None:
    """Run after run while it is our turn, which we never give back by ourselves.

    Args:
        run: one run of the job.
        turn: whose turn it is.
        warm: called once, where another is at work.
        alive: called where there is progress.
    """
    with turn(warm):
        while True:
            alive()
            run()


def main(arguments: Sequence[str] | None = None) -> None:
    """Settings come from the environment."""
    from spark_jobs.driver.spark_session import build_session

    parser = argparse.ArgumentParser(prog="python -m spark_jobs.processor", description="Publish what comes, for good.")
    parser.add_argument("--alive", type=Path, metavar="FILE", help="touch this file wherever there is progress")
    file: Path | None = parser.parse_args(arguments).alive

    def alive() -> None:
        if file:
            file.touch()

    settings = read_job_settings()
    turn = turn_of(alive)
    # As at an end: what is held is let go of.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    spark = build_session(settings, payments_home())

    def warm() -> None:
        warm_up(spark, settings)
        alive()

    def say(report: BatchReport) -> None:
        print(report.batch_id, report.metrics(), flush=True)  # noqa: T201 - this is a command
        alive()

    go_on(
        lambda: drain(spark, settings, on_batch=say, idle_seconds=IDLE_SECONDS, max_seconds=SHIFT_SECONDS),
        turn,
        warm,
        alive,
    )


if __name__ == "__main__":
    main()
