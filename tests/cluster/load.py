"""Payments at a steady rate into a cluster, a processor that publishes them, and whether each is in once.

Belongs here: the load, who starts a dead processor again, the count. Does not belong here: what is killed meanwhile.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from google.cloud.bigquery import Client

from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.retries import failures
from spark_jobs.warehouse.table_setup import table_id
from tests.cluster.network import LIMIT_SECONDS, POLL_SECONDS, Process
from tests.cluster.stack import Cluster, Driver
from tests.faults.chaos import Outcome, count, is_published
from tests.faults.processors import traffic

RATE = 50


@dataclass
class Processor:
    """A processor on a machine of its own, which is started again where it ends, as an operator's system does."""

    cluster: Cluster
    driver: Driver
    starts: int = 0
    _process: Process | None = None

    def look(self) -> None:
        """Start it where it does not run."""
        if self._process is None or not self._process.lives():
            self._process = self.driver.start("spark_jobs.processor", "--alive", "alive")
            self.starts += 1

    def kill(self) -> None:
        assert self._process
        self._process.kill()

    def said(self) -> str:
        return self._process.said() if self._process else ""

    def publishes(self, client: Client) -> float:
        """Wait for a batch that is published from now on; seconds until then."""
        began, clock = datetime.now(UTC), time.monotonic()
        while time.monotonic() - clock < LIMIT_SECONDS:
            self.look()
            with suppress(*failures()):
                newest = newest_batch(client, self.cluster)
                if newest and newest > began:
                    return time.monotonic() - clock
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"nothing was published for {LIMIT_SECONDS} s: {self.said()[-4000:]}")

    def until_batches(self, client: Client, number: int) -> None:
        """Wait until so many batches are published."""
        sql, clock = f"select count(*) as n from `{table_id(self.cluster.settings, catalog.LEDGER)}`", time.monotonic()
        while time.monotonic() - clock < LIMIT_SECONDS:
            self.look()
            with suppress(*failures()):
                if run(client, sql, {})[0]["n"] >= number:
                    return
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"fewer than {number} batches in {LIMIT_SECONDS} s: {self.said()[-4000:]}")


def newest_batch(client: Client, cluster: Cluster) -> datetime | None:
    """When the newest batch was published, by the warehouse's clock, which is this machine's."""
    sql = f"select max(published_at) as newest from `{table_id(cluster.settings, catalog.LEDGER)}`"
    [row] = run(client, sql, {})
    return row["newest"] if isinstance(row["newest"], datetime) else None


@contextmanager
def load(cluster: Cluster, manifest: Path, seed: int = 7) -> Iterator[None]:
    """Steady payments with retries among them; at the end all are acknowledged."""
    with traffic(cluster.settings, SimulationConfig(seed=seed, rate=RATE, late_rate=0), manifest):
        yield


def outcome_of(cluster: Cluster, client: Client, processor: Processor, path: Path) -> Outcome:
    """Wait until all that was acknowledged is published, and count it."""
    manifest, clock = read_manifest(path), time.monotonic()
    ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
    while not is_published(client, cluster.settings, ends):
        processor.look()
        assert time.monotonic() - clock < LIMIT_SECONDS, processor.said()[-4000:]
        time.sleep(POLL_SECONDS)
    deliveries, payments = (
        run(client, f"select * from `{table_id(cluster.settings, each)}`", {})
        for each in (catalog.DELIVERIES, catalog.TRANSACTIONS)
    )
    outcome = Outcome(seed=0)
    count(manifest, deliveries, payments, outcome)
    assert outcome.delivered == len(manifest.deliveries) > 0
    return outcome
