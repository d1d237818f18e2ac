"""Random kills under load: drivers, broker and warehouse die by SIGKILL at random moments; then everything is counted.

Usage: python -m tests.faults.chaos --kills 20 --seed 1 [--report FILE]. Exits 1 where a record was lost, doubled or
misclassified. Two drivers run: one publishes, the other stands by warm.
"""

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.bigquery import Warehouse
from local_stack.kafka import Broker, ensure_topic
from local_stack.processes import free_port
from simulator.config import SimulationConfig
from simulator.manifest import Manifest, read_manifest
from simulator.simulate import simulate
from spark_jobs import tables
from spark_jobs.settings import JobSettings, payments_home, read_job_settings
from spark_jobs.warehouse import connect, read_control, run, table_id
from tests.faults.victims import kill

RATE = 100
SECONDS_BETWEEN_KILLS = (4.0, 12.0)
RECOVERY_LIMIT_SECONDS = 180


@dataclass
class Driver:
    """One driver process and what it has said."""

    process: subprocess.Popen[str]
    is_warm: threading.Event = field(default_factory=threading.Event)
    published: list[float] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            word, _, moment = line.partition(" ")
            if word == "warm":
                self.is_warm.set()
            elif word == "published":
                self.published.append(float(moment))


@dataclass
class Outcome:
    """What a chaos run came to. Recoveries are seconds from the kill to the next published batch."""

    seed: int
    kills: Counter[str]
    warm: list[float]
    cold: list[float]
    delivered: int
    lost: int
    doubled: int
    misclassified: int

    @property
    def is_exact(self) -> bool:
        return not (self.lost or self.doubled or self.misclassified)

    def markdown(self) -> str:
        rows = [
            ("seed", str(self.seed)),
            ("kills", ", ".join(f"{count} of {victim}" for victim, count in sorted(self.kills.items()))),
            ("records sent and acknowledged", f"{self.delivered:,}"),
            ("lost", str(self.lost)),
            ("doubled", str(self.doubled)),
            ("misclassified", str(self.misclassified)),
            ("recovery, a warm driver standing by", _spread(self.warm)),
            ("recovery, none standing by", _spread(self.cold)),
        ]
        return "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)


class Chaos:
    """A stack of its own, two drivers, and steady traffic."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed, self._random = folder, seed, random.Random(seed)  # noqa: S311 - not for secrets
        for made in ("jars", "warehouse-env"):
            (folder / made).symlink_to(payments_home() / made)
        self.environment = {
            "PAYMENTS_HOME": str(folder),
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port('127.0.0.1')}",
            "BIGQUERY_EMULATOR_HOST": f"http://127.0.0.1:{free_port('127.0.0.1')}",
        }
        self.settings: JobSettings = read_job_settings(self.environment)
        self._broker = Broker(folder, self.settings.bootstrap_servers)
        self._warehouse = Warehouse(folder, self.settings.emulator_host or "", self.settings.project)
        self._drivers: list[Driver] = []
        self._log = (folder / "drivers.log").open("ab")
        self._stop_traffic = threading.Event()
        self._manifest = folder / "manifest.jsonl"
        self._traffic = threading.Thread(target=self._send, daemon=True)

    def run(self, kills: int) -> Outcome:
        """Everything, from start to the count."""
        warm: list[float] = []
        cold: list[float] = []
        victims: Counter[str] = Counter()
        try:
            self._start()
            for _ in range(kills):
                time.sleep(self._random.uniform(*SECONDS_BETWEEN_KILLS))
                victim = self._random.choice(["driver", "driver", "broker", "warehouse"])
                has_standby = sum(driver.is_warm.is_set() for driver in self._drivers) > 1
                seconds = self._kill(victim)
                victims[victim] += 1
                (warm if has_standby else cold).append(seconds)
                sys.stderr.write(f"{victim} killed, {seconds:.1f} s to the next batch\n")
            return self._count(victims, warm, cold)
        finally:
            self._stop()

    def _start(self) -> None:
        self._broker.start()
        self._warehouse.start()
        ensure_topic(self.settings.bootstrap_servers, self.settings.topic)
        self._add_driver()
        self._traffic.start()
        self._wait(lambda: bool(self._drivers[0].published))
        self._add_driver()
        self._wait(self._drivers[1].is_warm.is_set)

    def _send(self) -> None:
        config = SimulationConfig(seed=self._seed, rate=RATE, late_rate=0.0)
        simulate(config, self.settings.bootstrap_servers, self.settings.topic, self._manifest, stop=self._stop_traffic)

    def _add_driver(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.shift", str(self._folder / "turn.lock")],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        driver = Driver(process)
        threading.Thread(target=driver.listen, daemon=True).start()
        self._drivers.append(driver)

    def _kill(self, victim: str) -> float:
        """Kill, restart what does not restart by itself, and wait for the next batch; seconds from the kill."""
        killed_at = time.time()
        if victim == "driver":
            os.killpg(self._drivers[0].process.pid, signal.SIGKILL)
            self._drivers.pop(0).process.wait()
        else:
            part: Broker | Warehouse = self._broker if victim == "broker" else self._warehouse
            kill(part)
            part.start()
        self._wait(lambda: any(at > killed_at for driver in self._drivers for at in driver.published), self._revive)
        recovered_at = min(at for driver in self._drivers for at in driver.published if at > killed_at)
        self._revive()
        return recovered_at - killed_at

    def _revive(self) -> None:
        self._drivers = [driver for driver in self._drivers if driver.process.poll() is None]
        while len(self._drivers) < 2:
            self._add_driver()

    def _wait(self, is_met: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
        deadline = time.monotonic() + RECOVERY_LIMIT_SECONDS
        while not is_met():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not recovered in time; see {self._log.name}")
            meanwhile()
            time.sleep(0.02)

    def _count(self, victims: Counter[str], warm: list[float], cold: list[float]) -> Outcome:
        self._stop_traffic.set()
        self._traffic.join()
        manifest = read_manifest(self._manifest)
        ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
        with connect(self.settings) as client:
            self._wait(lambda: _published(client, self.settings, ends))
            columns = "kafka_partition, kafka_offset, disposition, value_sha256"
            rows = run(client, f"select {columns} from `{table_id(self.settings, tables.DELIVERIES)}`", {})
        found = Counter((row["kafka_partition"], row["kafka_offset"]) for row in rows)
        truth = {(row["kafka_partition"], row["kafka_offset"]): row for row in rows}
        return Outcome(
            seed=self._seed,
            kills=victims,
            warm=warm,
            cold=cold,
            delivered=len(manifest.deliveries),
            lost=sum((r.partition, r.offset) not in truth for r in manifest.deliveries),
            doubled=sum(count - 1 for count in found.values()),
            misclassified=_misclassified(manifest, truth),
        )

    def _stop(self) -> None:
        self._stop_traffic.set()
        for driver in self._drivers:
            os.killpg(driver.process.pid, signal.SIGKILL)
            driver.process.wait()
        self._log.close()
        self._warehouse.stop()
        self._broker.stop()


def _published(client: object, settings: JobSettings, ends: dict[int, int]) -> bool:
    control = read_control(client, settings)  # type: ignore[arg-type]
    return control is not None and all(control.end_offsets.get(p, 0) >= end for p, end in ends.items())


def _misclassified(manifest: Manifest, rows: dict[tuple[int, int], dict[str, object]]) -> int:
    """Records whose disposition or bytes are not the manifest's."""
    wrong = 0
    for record in manifest.deliveries:
        row = rows.get((record.partition, record.offset))
        sha256 = row["value_sha256"] if row else b""
        is_right = row and row["disposition"] == record.disposition and isinstance(sha256, bytes)
        wrong += bool(row) and not (is_right and isinstance(sha256, bytes) and sha256.hex() == record.sha256)
    return wrong


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none measured"
    p95 = sorted(seconds)[max(0, round(0.95 * len(seconds)) - 1)]
    return f"p50 {statistics.median(seconds):.1f} s, p95 {p95:.1f} s, worst {max(seconds):.1f} s ({len(seconds)} kills)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = Chaos(Path(folder), options.seed).run(options.kills)
    sys.stdout.write(outcome.markdown())
    if options.report:
        options.report.write_text(outcome.markdown())
    sys.exit(0 if outcome.is_exact else 1)


if __name__ == "__main__":
    main()
