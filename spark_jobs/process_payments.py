"""The streaming job: drains the payments topic into the warehouse in availableNow micro-batches.

Belongs here: how long a run goes on, and the entry point for spark-submit. Does not belong here: what a run does
(driver), Dagster.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from spark_jobs.driver.run import OnBatch, Run
from spark_jobs.driver.standby import warm_up
from spark_jobs.incidents import Incident
from spark_jobs.lineage.batch_events import batch_events
from spark_jobs.lineage.sender import Sender, open_sender
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.settings import JobSettings, SettingError, payments_home, read_job_settings
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.turns.turn import Turn, at_once

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

POLL_SECONDS = 0.1


def drain(
    spark: "SparkSession",
    settings: JobSettings,
    *,
    on_batch: OnBatch | None = None,
    idle_seconds: float = 0,
    max_seconds: float = 600,
    batch_seconds: float = 0,
    turn: Turn = at_once,
    on_standby: Callable[[], None] = lambda: None,
) -> list[BatchReport]:
    """Publish the backlog in micro-batches.

    Args:
        spark: a session made with session.spark_conf.
        settings: where things are.
        on_batch: told of every published batch, at once.
        idle_seconds: how long to go on waiting for records once there are none.
        max_seconds: when to stop although there is more; at least one batch is published first.
        batch_seconds: how far apart batches begin at least, but for those of one backlog.
        turn: whose turn it is: where it is another's, warm up and wait. By default this run takes over at once, from
            whoever is at it.
        on_standby: told once the session is warm and the run waits for its turn.

    Returns:
        The published batches, in order.

    Raises:
        Incident: the run stopped rather than guess.
        BrokerUnreachable: Kafka did not answer.
    """

    def stand_by() -> None:
        warm_up(spark, settings)
        on_standby()

    # The sender is closed after the turn is given up: nobody waits for what a lineage service has still to be told.
    with open_sender() as lineage, turn(stand_by) as hold:
        deadline = time.monotonic() + max_seconds
        hold.confirm()
        with Run(spark, settings, _also_to(lineage, settings, on_batch or (lambda _: None)), hold.check) as run:
            _shift(run, deadline, idle_seconds, batch_seconds)
    return run.reports


def _also_to(lineage: Sender | None, settings: JobSettings, on_batch: OnBatch) -> OnBatch:
    if lineage is None:
        return on_batch

    def reported(report: BatchReport) -> None:
        on_batch(report)
        lineage.send(partial(batch_events, settings, lineage.namespace, report))

    return reported


def _shift(run: Run, deadline: float, idle_seconds: float, batch_seconds: float) -> None:
    idle_since = time.monotonic()
    while (began := time.monotonic()) < deadline:
        if run.drain_once(deadline):
            time.sleep(max(0.0, min(began + batch_seconds, deadline) - time.monotonic()))
            idle_since = time.monotonic()
        elif run.decide():
            idle_since = time.monotonic()
        elif time.monotonic() - idle_since >= idle_seconds:
            break
        else:
            time.sleep(POLL_SECONDS)


@contextmanager
def ended_by_one_line() -> Iterator[None]:
    """What stops a run, or keeps one from starting, is the process's last line, and no traceback."""
    try:
        yield
    except (SettingError, Incident, BrokerUnreachable) as stopped:
        sys.exit(str(stopped))


@ended_by_one_line()
def main(arguments: list[str] | None = None) -> None:
    """Entry point for spark-submit: settings come from the environment."""
    from spark_jobs.driver.spark_session import build_session

    parser = argparse.ArgumentParser(description="Drain the payments topic into the warehouse.")
    parser.add_argument("--idle-seconds", type=float, default=0, help="go on waiting for records for so long")
    parser.add_argument("--max-seconds", type=float, default=600, help="stop after so long, although there is more")
    parser.add_argument("--batch-seconds", type=float, default=0, help="begin batches at least so far apart")
    options: Any = parser.parse_args(arguments)
    settings = read_job_settings()
    spark = build_session(settings, payments_home())
    for report in drain(spark, settings, **vars(options)):
        print(report.batch_id, report.metrics())  # noqa: T201 - this is a command
    spark.stop()


if __name__ == "__main__":
    main()
