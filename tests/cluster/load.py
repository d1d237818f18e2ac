"""Payments at a steady rate into a cluster, a processor that publishes them, and whether each is in once.

Belongs here: the load, who starts a dead processor again, the count. Does not belong here: what is killed meanwhile.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from google.cloud.bigquery import Client

from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from spark_jobs.settings import BY_LOCK
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import failures
from tests.cluster.network import LIMIT_SECONDS, POLL_SECONDS, Process
from tests.cluster.stack import Cluster, Driver
from tests.faults.chaos import Outcome, count, is_published
from tests.faults.processors import traffic

RATE = 50


class Publisher(Protocol):
    """A processor, or Dagster with its runs."""

    def look(self) -> None:
        """Start what does not run."""

    def output(self) -> str:
        """What it wrote."""


@dataclass
class Processor:
    """A processor on a machine of its own, which is started again where it ends, as an operator's system does."""

    cluster: Cluster
    driver: Driver
    turn: str = BY_LOCK
    _process: Process | None = None

    def look(self) -> None:
        """Start it where it does not run."""
        if self._process is None or not self._process.lives():
            self._alive.unlink(missing_ok=True)
            self._process = self.driver.start("spark_jobs.processor", "--alive", "alive", turn=self.turn)

    def kill(self) -> None:
        """The whole machine."""
        self.driver.host.kill()

    def until_warm(self) -> None:
        """Until it is at work, or stands by with a session that is warm."""
        assert self._process
        self._process.until(self._alive.exists)

    @property
    def _alive(self) -> Path:
        return self.driver.host.folder / "alive"

    def output(self) -> str:
        return self._process.output() if self._process else ""


def next_batch(client: Client, cluster: Cluster, publisher: Publisher, *, by_another_run: bool = False) -> float:
    """Wait for a batch that is published from now on, or for one of a later epoch, too; seconds until then."""
    began, clock = datetime.now(UTC), time.monotonic()
    sql = f"""
        select
          max(if(published_at > @began, epoch, null)) as newest,
          max(if(published_at <= @began, epoch, 0)) as oldest
        from `{table_id(cluster.settings, catalog.LEDGER)}`"""
    while time.monotonic() - clock < LIMIT_SECONDS:
        publisher.look()
        with suppress(*failures()):
            [row] = run(client, sql, {"began": began})
            if row["newest"] is not None and (not by_another_run or row["newest"] > row["oldest"]):
                return time.monotonic() - clock
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"nothing was published for {LIMIT_SECONDS} s: {publisher.output()[-8000:]}")


def until_batches(client: Client, cluster: Cluster, publisher: Publisher, number: int) -> None:
    """Wait until so many batches are published."""
    sql, clock = f"select count(*) as n from `{table_id(cluster.settings, catalog.LEDGER)}`", time.monotonic()
    while time.monotonic() - clock < LIMIT_SECONDS:
        publisher.look()
        with suppress(*failures()):
            if run(client, sql, {})[0]["n"] >= number:
                return
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"fewer than {number} batches in {LIMIT_SECONDS} s: {publisher.output()[-8000:]}")


@contextmanager
def load(cluster: Cluster, manifest: Path, seed: int = 7) -> Iterator[None]:
    """Steady payments with retries among them; at the end all are acknowledged."""
    with traffic(cluster.settings, SimulationConfig(seed=seed, rate=RATE, late_rate=0), manifest):
        yield


def outcome_of(cluster: Cluster, client: Client, publisher: Publisher, path: Path) -> Outcome:
    """Wait until all that was acknowledged is published, and count it."""
    manifest, clock = read_manifest(path), time.monotonic()
    ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
    while not is_published(client, cluster.settings, ends):
        publisher.look()
        assert time.monotonic() - clock < LIMIT_SECONDS, publisher.output()[-8000:]
        time.sleep(POLL_SECONDS)
    deliveries, payments = (
        run(client, f"select * from `{table_id(cluster.settings, each)}`", {})
        for each in (catalog.DELIVERIES, catalog.TRANSACTIONS)
    )
    outcome = Outcome(seed=0)
    count(manifest, deliveries, payments, outcome)
    assert outcome.delivered == len(manifest.deliveries) > 0
    return outcome
