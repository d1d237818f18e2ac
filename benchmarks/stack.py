"""A stack of its own for a measurement: a broker, a warehouse and a topic with records in it.

Belongs here: starting, filling, stopping. Does not belong here: what is measured.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.bigquery import Warehouse
from local_stack.kafka import Broker, ensure_topic
from local_stack.processes import free_port
from simulator.config import SimulationConfig
from simulator.simulate import simulate
from spark_jobs.settings import JobSettings, payments_home, read_job_settings


@contextmanager
def stack(folder: Path) -> Iterator[tuple[JobSettings, list[int]]]:
    """A broker and a warehouse of our own; yields settings and the pids of both, the broker's first.

    They are nobody's children: a SIGTERM, too, ends them in good order.
    """
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    for made in ("jars", "warehouse-env"):
        (folder / made).symlink_to(payments_home() / made)
    settings = read_job_settings(
        {
            "PAYMENTS_HOME": str(folder),
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port('127.0.0.1')}",
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{free_port('127.0.0.1')}",
        }
    )
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


def send(settings: JobSettings, events: int, seed: int) -> int:
    """Send a burst; returns how many deliveries it came to."""
    return simulate(SimulationConfig(events=events, seed=seed), settings.bootstrap_servers, settings.topic).deliveries
