"""Random kills under load: processes of the running platform die by SIGKILL, at random; then everything is counted.

Usage: python -m tests.faults.chaos --kills 20 --seed 1 [--report]. Exits 1 where a record was lost, doubled or
misclassified. `--report` writes the result into docs/reliability.md. After SIGINT it kills no more, and counts.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from google.cloud.bigquery import Client

from benchmarks.harness.figures import ROOT, write_table
from simulator.config import SimulationConfig
from simulator.sending.manifest import Manifest, read_manifest
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run
from spark_jobs.warehouse.control_row import read_control
from spark_jobs.warehouse.retries import failures
from tests.faults.platform import Platform, child_called, make_settings
from tests.faults.victims import kill

RATE = 100
MOST_SECONDS_BETWEEN_KILLS = 4.0
RECOVERY_LIMIT_SECONDS = 300
POLL_SECONDS = 0.2

VICTIMS = ("run", "driver", "broker", "warehouse", "dagster")
WEIGHTS = (2, 2, 6, 6, 1)
"""How often each dies. A run that is started cold takes half a minute to be killed again, a broker seconds."""

ChaosRow = dict[str, object]


@dataclass(frozen=True)
class Kill:
    """One kill: who, whether a warm run stood by, and the seconds from it to the next published batch."""

    victim: str
    had_standby: bool
    seconds: float


@dataclass
class Outcome:
    """What a chaos run came to."""

    seed: int
    kills: list[Kill] = field(default_factory=list)
    delivered: int = 0
    lost: int = 0
    doubled: int = 0
    misclassified: int = 0
    wrong_payments: int = 0

    @property
    def is_exact(self) -> bool:
        return not (self.lost or self.doubled or self.misclassified or self.wrong_payments)

    def markdown(self) -> str:
        counted = Counter(kill.victim for kill in self.kills)
        rows = [
            ("measured on", f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores"),
            ("JVM options", os.environ.get("JDK_JAVA_OPTIONS") or "the platform's own"),
            ("seed", str(self.seed)),
            ("kills", f"{len(self.kills)}: " + ", ".join(f"{counted[victim]} {victim}" for victim in VICTIMS)),
            ("records acknowledged by the broker", f"{self.delivered:,}"),
            ("lost", str(self.lost)),
            ("doubled", str(self.doubled)),
            ("misclassified", str(self.misclassified)),
            ("payments too many or too few", str(self.wrong_payments)),
            ("recovery of a killed run or driver, a warm run standing by", self._spread(("run", "driver"), True)),
            ("recovery of a killed run or driver, none standing by", self._spread(("run", "driver"), False)),
            ("recovery of a killed broker or warehouse, started again at once", self._spread(("broker", "warehouse"))),
            ("recovery of Dagster, killed with its runs and started again at once", self._spread(("dagster",))),
        ]
        return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)

    def _spread(self, victims: tuple[str, ...], had_standby: bool | None = None) -> str:
        seconds = sorted(
            kill.seconds for kill in self.kills if kill.victim in victims and had_standby in (None, kill.had_standby)
        )
        if not seconds:
            return "none measured"
        p95 = seconds[max(0, round(0.95 * len(seconds)) - 1)]
        median = statistics.median(seconds)
        return f"p50 {median:.1f} s, p95 {p95:.1f} s, worst {seconds[-1]:.1f} s ({len(seconds)} kills)"


class Chaos:
    """The platform, steady traffic, and what kills it."""

    def __init__(self, folder: Path, seed: int, say: Callable[[str], None]) -> None:
        self._platform = Platform(make_settings(folder))
        self._job: JobSettings = self._platform.settings.job
        self._manifest = folder / "manifest.jsonl"
        self._seed, self._random = seed, random.Random(seed)  # noqa: S311 - not for secrets
        self._say = say
        self.is_enough = False
        """Set from a signal: no more kills, only the count."""

    def run(self, kills: int, patience_seconds: float = 0) -> Outcome:
        """Everything, from start to the count. A killed run's standby is waited for up to `patience_seconds`."""
        outcome = Outcome(self._seed)
        try:
            self._platform.start()
            with connect(self._job) as client:
                self._platform.begin_traffic(SimulationConfig(seed=self._seed, rate=RATE, late_rate=0), self._manifest)
                self._published_after(client, datetime.min.replace(tzinfo=UTC))
                for number in range(1, kills + 1):
                    victim = self._random.choices(VICTIMS, WEIGHTS)[0]
                    time.sleep(self._random.uniform(0, MOST_SECONDS_BETWEEN_KILLS))
                    self._wait_for_standby(victim, patience_seconds)
                    outcome.kills.append(self._kill(client, victim))
                    self._say(f"{number}: {outcome.kills[-1]}")
                    if self.is_enough:
                        break
                self._platform.end_traffic()
                self._count(client, outcome)
        finally:
            self._platform.stop()
        return outcome

    def _wait_for_standby(self, victim: str, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while victim in ("run", "driver") and time.monotonic() < deadline and not self._platform.has_warm_standby():
            time.sleep(POLL_SECONDS)

    def _kill(self, client: Client, victim: str) -> Kill:
        """Kill, start again what nobody else starts again, and wait for the next batch."""
        had_standby = self._platform.has_warm_standby()
        killed_at = datetime.now(UTC)
        if victim == "broker":
            kill(self._platform.stack.broker)
            self._platform.stack.broker.start()
        elif victim == "warehouse":
            assert self._platform.stack.warehouse
            kill(self._platform.stack.warehouse)
            self._platform.stack.warehouse.start()
        elif victim == "dagster":
            self._kill_dagster()
        else:
            self._kill_run(victim)
        published_at = self._published_after(client, killed_at)
        return Kill(victim, had_standby, (published_at - killed_at).total_seconds())

    def _kill_run(self, victim: str) -> None:
        pids = self._platform.run_pids()
        if pids:
            pid = pids[0] if victim == "run" else child_called("java", pids[0])
            with suppress(ProcessLookupError):
                os.kill(pid or pids[0], signal.SIGKILL)

    def _kill_dagster(self) -> None:
        """Daemon, web server and runs, at once. A run that was requested and not launched starts when it is back."""
        dagster = self._platform.stack.dagster
        pid = dagster.pid()
        assert pid
        os.kill(pid, signal.SIGKILL)
        dagster.stop()
        self._platform.start()

    def _published_after(self, client: Client, moment: datetime) -> datetime:
        """When the first batch after `moment` was published, by the warehouse's own record."""
        sql = (
            f"select min(published_at) as at from `{table_id(self._job, catalog.LEDGER)}` where published_at > @moment"
        )
        deadline = time.monotonic() + RECOVERY_LIMIT_SECONDS
        while time.monotonic() < deadline:
            with suppress(*failures()):
                [row] = run(client, sql, {"moment": moment})
                if isinstance(row["at"], datetime):
                    return row["at"]
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"nothing was published for {RECOVERY_LIMIT_SECONDS} s")

    def _count(self, client: Client, outcome: Outcome) -> None:
        manifest = read_manifest(self._manifest)
        ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
        deadline = time.monotonic() + RECOVERY_LIMIT_SECONDS
        while not is_published(client, self._job, ends):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not everything is published after {RECOVERY_LIMIT_SECONDS} s")
            time.sleep(POLL_SECONDS)
        columns = "kafka_partition, kafka_offset, disposition, value_sha256, transaction_id"
        deliveries = run(client, f"select {columns} from `{table_id(self._job, catalog.DELIVERIES)}`", {})
        payments = run(
            client,
            f"select transaction_id, kafka_partition, kafka_offset from `{table_id(self._job, catalog.TRANSACTIONS)}`",
            {},
        )
        count(manifest, deliveries, payments, outcome)


def count(manifest: Manifest, deliveries: list[ChaosRow], payments: list[ChaosRow], outcome: Outcome) -> None:
    """Hold the warehouse's rows against what was sent: sets, not sums."""
    sent = {(r.partition, r.offset): (str(r.disposition), r.sha256) for r in manifest.deliveries}
    found = Counter((row["kafka_partition"], row["kafka_offset"]) for row in deliveries)
    judged = {
        (row["kafka_partition"], row["kafka_offset"]): (row["disposition"], _bytes(row).hex()) for row in deliveries
    }
    outcome.delivered = len(sent)
    outcome.lost = len(sent.keys() - judged.keys())
    outcome.doubled = sum(number - 1 for number in found.values()) + len(judged.keys() - sent.keys())
    outcome.misclassified = sum(judged[place] != truth for place, truth in sent.items() if place in judged)
    unique = Counter(
        (r.transaction_id, r.partition, r.offset) for r in manifest.deliveries if str(r.disposition) == "UNIQUE"
    )
    kept = Counter((row["transaction_id"], row["kafka_partition"], row["kafka_offset"]) for row in payments)
    outcome.wrong_payments = ((unique - kept) + (kept - unique)).total()  # type: ignore[operator]


def is_published(client: Client, job: JobSettings, ends: dict[int, int]) -> bool:
    """Whether the warehouse has everything before these offsets."""
    with suppress(*failures()):
        control = read_control(client, job)
        return control is not None and all(control.end_offsets.get(p, 0) >= end for p, end in ends.items())
    return False


def _bytes(row: ChaosRow) -> bytes:
    value = row["value_sha256"]
    assert isinstance(value, bytes)
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience-seconds", type=float, default=0, help="how long to wait for a warm standby")
    parser.add_argument(
        "--report", nargs="?", const="chaos", help="write the result into this table of docs/reliability.md (%(const)s)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(Path(folder), options.seed, lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
        signal.signal(signal.SIGINT, lambda *_: setattr(chaos, "is_enough", True))
        outcome = chaos.run(options.kills, options.patience_seconds)
    sys.stdout.write(outcome.markdown())
    if options.report:
        write_table(ROOT / "docs" / "reliability.md", options.report, outcome.markdown())
    sys.exit(0 if outcome.is_exact else 1)


if __name__ == "__main__":
    main()
