"""How fast the simulator fills a topic, by each way of sending: events a second, and CPU microseconds an event.

Usage: python -m benchmarks.measurements.sending [--events N]. Writes the table into docs/performance.md. The broker
shares the machine; its CPU is not counted. An event's CPU time is what one core can bear: 6.7 microseconds are
150,000 a second.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness.figures import ROOT, measured, table, write_table
from local_stack.kafka import Broker, ensure_topic
from local_stack.processes import free_port
from local_stack.sandbox_home import borrow
from simulator.config import SimulationConfig
from simulator.sending.bulk import PRODUCERS, blocks, load
from simulator.sending.simulate import simulate


def ways(config: SimulationConfig, broker: str, folder: Path) -> dict[str, Callable[[], int]]:
    """Every way by its name; each returns how many deliveries it made."""

    def bulk(producer: str) -> Callable[[], int]:
        return lambda: load(config, broker, _topic(broker, producer), producer).deliveries

    def simulated(manifest: Path | None) -> int:
        return simulate(config, broker, _topic(broker, "simulated"), manifest).deliveries

    return {
        "labelled, with a manifest": lambda: simulated(folder / "manifest"),
        "labelled, without": lambda: simulated(None),
        "bulk, rendered only": lambda: sum(len(block.keys) for block in blocks(config, datetime.now(UTC))),
        **{f"bulk, {producer}": bulk(producer) for producer in PRODUCERS},
    }


def _topic(broker: str, name: str) -> str:
    ensure_topic(broker, name)
    return name


def measure(way: Callable[[], int]) -> tuple[float, float]:
    """Seconds and CPU seconds of this process, all its threads included, per delivery."""
    began, cpu = time.monotonic(), time.process_time()
    count = way()
    return (time.monotonic() - began) / count, (time.process_time() - cpu) / count


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    rows = []
    config = SimulationConfig(events=options.events, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        borrow(folder)
        broker = Broker(folder, f"127.0.0.1:{free_port('127.0.0.1')}")
        try:
            broker.start()
            for title, way in ways(config, broker.bootstrap_servers, folder).items():
                seconds, cpu = measure(way)
                rows.append([title, f"{1 / seconds:,.0f}", f"{cpu * 1e6:.1f}", f"{1 / cpu:,.0f}"])
                print(*rows[-1], sep=" | ", flush=True)  # noqa: T201 - this is a command
        finally:
            broker.stop()
    if not options.dry:
        columns = ["", "events/s", "CPU microseconds an event", "events/s that one core bears"]
        shown = measured(f" that the broker shares; {options.events:,} payments") + table(columns, rows)
        write_table(ROOT / "docs" / "performance.md", "simulator", shown)


if __name__ == "__main__":
    main()
