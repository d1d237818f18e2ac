"""Processors as on machines of their own: each a process with a home, checkpoints and staging that no other sees.

Belongs here: starting, freezing, killing, asking who is at work. Does not belong here: what must hold afterwards.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from google.cloud.bigquery import Client

from local_stack.sandbox_home import borrow
from simulator.config import SimulationConfig
from simulator.sending.simulate import simulate
from spark_jobs.settings import BY_LEASE, JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 180.0
POLL_SECONDS = 0.05


class Processor:
    """One that waits for the lease, and publishes while it has it.

    Args:
        shared: settings of the stack.
        folder: its home.
        lease_seconds: after how long it loses the lease where it is silent.
        code: the checkout whose code it runs.
        files: the folder of its checkpoint and its staging; by default nobody else sees them.
    """

    def __init__(
        self, shared: JobSettings, folder: Path, lease_seconds: int, *, code: Path = ROOT, files: Path | None = None
    ) -> None:
        folder.mkdir(parents=True)
        files = files or folder
        borrow(folder)
        settings = replace(
            shared,
            turn=BY_LEASE,
            turn_lease_seconds=lease_seconds,
            checkpoint_location=(files / "checkpoints").as_uri(),
            staging_location=(files / "staging").as_uri(),
        )
        self._alive = folder / "alive"
        self._log = folder / "processor.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "spark_jobs.processor", "--alive", str(self._alive)],
                # The folder that it starts in comes before all others that Python imports from, also in its workers.
                cwd=code,
                env=os.environ | settings.environment() | {"PAYMENTS_HOME": str(folder), "PYTHONPATH": str(code)},
                stdout=log,
                stderr=log,
                # Its JVM and Python's workers freeze and die with it.
                start_new_session=True,
            )

    def wait_until_warm(self) -> None:
        """Until it is at work, or stands by with a session that is warm."""
        self.until(self._alive.exists)

    def signal(self, number: signal.Signals) -> None:
        """To all of its processes."""
        os.killpg(self._process.pid, number)

    def ask_to_end(self) -> None:
        """As an orchestrator does: it alone is told, and its processes end with it."""
        self._process.terminate()

    def end(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self._process.wait(LIMIT_SECONDS)

    def output(self) -> str:
        """All that it wrote."""
        return self._log.read_text(errors="replace")

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it while this processor lives."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while not condition():
            assert self._process.poll() is None, self.output()[-3000:]
            assert time.monotonic() < deadline, self.output()[-3000:]
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Whatever it is at."""
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self._process.wait()


@contextmanager
def traffic(settings: JobSettings, config: SimulationConfig, manifest: Path) -> Iterator[None]:
    """Steady payments from a thread; at the end all of them are acknowledged and in the manifest."""
    stop = threading.Event()
    sending = threading.Thread(
        target=simulate, args=(config, settings.bootstrap_servers, settings.topic, manifest), kwargs={"stop": stop}
    )
    sending.start()
    try:
        yield
    finally:
        stop.set()
        sending.join()


def lease_of(client: Client, settings: JobSettings) -> dict[str, object]:
    """The row of the lease; empty before there is one."""
    rows = run(client, f"select * from `{table_id(settings, catalog.LEASES)}`", {})
    return rows[0] if rows else {}


def published_after(client: Client, settings: JobSettings, epoch: int) -> datetime | None:
    """When the first batch of an epoch after that was published."""
    sql = f"select min(published_at) as first_at from `{table_id(settings, catalog.LEDGER)}` where epoch > @epoch"
    [row] = run(client, sql, {"epoch": epoch})
    return row["first_at"] if isinstance(row["first_at"], datetime) else None
