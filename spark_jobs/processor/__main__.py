"""`python -m spark_jobs.processor`: publish what comes, until a SIGTERM, while it is this process's turn.

Belongs here: arguments, signals, the order of things. Does not belong here: one run (process_payments), whose turn it
is (turns).
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from spark_jobs.driver.standby import warm_up
from spark_jobs.process_payments import drain, ended_by_one_line
from spark_jobs.processor.pace import read_batch_seconds
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import payments_home, read_job_settings
from spark_jobs.turns.by_setting import turn_of
from spark_jobs.turns.turn import Hold, Turn

IDLE_SECONDS = 240
"""A run that has had nothing to do for so long is followed by another: a run's start is a sign that all is well."""
SHIFT_SECONDS = 3600


def go_on(run: Callable[[Turn], object], turn: Turn, warm: Callable[[], None], alive: Callable[[], None]) -> None:
    """Run after run while it is our turn, which we never give back by ourselves.

    Args:
        run: one run of the job, in the turn that it is given.
        turn: whose turn it is.
        warm: called once, where another is at work.
        alive: called where there is progress.

    Raises:
        Incident: a run stopped, or the turn is another's by now.
    """
    with turn(warm) as hold:

        @contextmanager
        def held(_before_waiting: Callable[[], None]) -> Iterator[Hold]:
            yield hold

        while True:
            alive()
            run(held)


@ended_by_one_line()
def main(arguments: Sequence[str] | None = None) -> None:
    """Settings come from the environment. Whoever started us starts the next, once a run has stopped."""
    from spark_jobs.driver.spark_session import build_session

    parser = argparse.ArgumentParser(prog="python -m spark_jobs.processor", description="Publish what comes, for good.")
    parser.add_argument("--alive", type=Path, metavar="FILE", help="touch this file wherever there is progress")
    file: Path | None = parser.parse_args(arguments).alive

    def alive() -> None:
        if file:
            file.touch()

    settings = read_job_settings()
    batch_seconds = read_batch_seconds()
    # As at an end: what is held is let go of.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    spark = build_session(settings, payments_home())

    def warm() -> None:
        warm_up(spark, settings)
        alive()

    def say(report: BatchReport) -> None:
        print(report.batch_id, report.metrics(), flush=True)  # noqa: T201 - this is a command
        alive()

    def run(turn: Turn) -> None:
        drain(
            spark,
            settings,
            on_batch=say,
            idle_seconds=IDLE_SECONDS,
            max_seconds=SHIFT_SECONDS,
            batch_seconds=batch_seconds,
            turn=turn,
        )

    go_on(run, turn_of(settings, payments_home(), alive), warm, alive)


if __name__ == "__main__":
    main()
