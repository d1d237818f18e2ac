"""A stack of its own for a measurement: a broker, a warehouse and a topic with records in it.

Belongs here: starting, filling, stopping. Does not belong here: what is measured.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.bigquery.emulator import Warehouse
from local_stack.kafka import Broker, ensure_topic
from local_stack.sandbox_home import own_environment
from simulator.config import SimulationConfig
from simulator.sending.simulate import simulate
from spark_jobs.driver.spark_session import use_our_runtimes
from spark_jobs.settings import JobSettings, payments_home, read_job_settings
from spark_jobs.source.topic import TopicReader


def leave_on_sigterm() -> None:
    """From now on a SIGTERM ends this process as an exception would: what it has started is stopped on the way out."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


@contextmanager
def stack(folder: Path) -> Iterator[tuple[JobSettings, list[int]]]:
    """A broker and a warehouse of our own; yields settings and the pids of both, the broker's first.

    They are nobody's children: a SIGTERM, too, ends them in good order.
    """
    leave_on_sigterm()
    # Also for what runs beside us, which inherits it.
    use_our_runtimes(payments_home())
    settings = read_job_settings(own_environment(folder))
    broker = Broker(folder, settings.bootstrap_servers)
    warehouse = Warehouse(folder, settings.emulator_host or "", settings.project)
    try:
        broker.start()
        warehouse.start()
        ensure_topic(settings.bootstrap_servers, settings.topic)
        yield settings, [broker.pid() or 0, warehouse.pid() or 0]
    finally:
        warehouse.stop()
        broker.stop()


def ends(settings: JobSettings, topic: str) -> dict[int, int]:
    """The offset after the last record of each partition."""
    with TopicReader(settings.bootstrap_servers, topic) as reader:
        return reader.read().latest


def send(settings: JobSettings, events: int, seed: int) -> int:
    """Send a burst; returns how many deliveries it came to."""
    return simulate(SimulationConfig(events=events, seed=seed), settings.bootstrap_servers, settings.topic).deliveries
