"""What a cluster on an object store comes to: batches by the time of a request, a drain by workers, takeovers.

Usage: python -m tests.cluster.measure overhead|drain|takeover [--values N ...] [--dry]. Writes a table of clusters.md.
All machines share this one's cores: a drain by more workers shows what they cost here, not what they gain elsewhere.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.harness.figures import ROOT, measured, table, write_table
from benchmarks.harness.stack import leave_on_sigterm, send
from spark_jobs.settings import BY_LEASE
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from tests.cluster.load import RATE, Processor, load, next_batch, outcome_of, until_batches
from tests.cluster.network import Host, Process
from tests.cluster.stack import client_of, cluster, missing

PAGE = ROOT / "docs" / "clusters.md"
BATCHES = 12
"""So many are looked at, after as many that warm up."""
EVENTS = 200_000
LOOK_SECONDS = 0.5


def overhead(delay_ms: int, folder: Path) -> tuple[str, ...]:
    """Batches of a few records, back to back, with so long a wait before each answer of the object store."""
    with cluster(folder, delay_ms=delay_ms) as made, client_of(made) as client:
        processor = Processor(made, made.driver("driver"))
        manifest = folder / "manifest.jsonl"
        with load(made, manifest):
            until_batches(client, made, processor, 2 * BATCHES)
        outcome = outcome_of(made, client, processor, manifest)
        assert outcome.is_exact, outcome
        sql = f"""select unix_millis(published_at) as at from `{table_id(made.settings, catalog.LEDGER)}`
            order by batch_id"""
        times = [row["at"] / 1000 for row in run(client, sql, {})][BATCHES : 2 * BATCHES]
        gaps = sorted(later - earlier for earlier, later in pairwise(times))
        asked = sum(times[0] <= at / 1000 < times[-1] for at, *_ in made.requests())
    median, worst = f"{statistics.median(gaps):.1f}", f"{gaps[-1]:.1f}"
    return str(delay_ms), median, worst, f"{asked / len(gaps):.0f}", f"{RATE}"


def drain(workers: int, folder: Path) -> tuple[str, ...]:
    """A backlog, from the start of its first batch to the publication of its last, and who worked at it meanwhile."""
    with cluster(folder, workers=workers) as made, client_of(made) as client:
        sent = send(made.settings, EVENTS, seed=1)
        finished = made.driver("driver").start("spark_jobs.process_payments")
        looks = list(_looks(finished, made.network.hosts))
        assert finished.end() == 0, finished.output()[-4000:]
        sql = f"""
            select unix_millis(min(started_at)) / 1000 as began, unix_millis(max(published_at)) / 1000 as ended,
                sum(process_seconds) as processing, sum(load_seconds) as loading, sum(delivered) as records
            from `{table_id(made.settings, catalog.LEDGER)}`"""
        [of] = run(client, sql, {})
        assert of["records"] == sent
        used = _used_between(looks, of["began"], of["ended"])
    seconds, records = of["ended"] - of["began"], int(of["records"])
    of_workers = [used.pop(host.name) for host in made.spark.workers]
    of_driver = used.pop("driver")
    busy = (sum(of_workers) + of_driver + sum(used.values())) / seconds
    return (
        str(workers),
        f"{records:,}",
        f"{seconds:.1f}",
        f"{records / seconds:,.0f}",
        f"{of['processing']:.1f} and {of['loading']:.1f}",
        ", ".join(f"{cpu:.1f}" for cpu in of_workers),
        f"{of_driver:.1f}",
        f"{sum(used.values()):.1f}",
        f"{busy:.1f}",
    )


type Look = tuple[float, dict[str, float]]
"""When, in seconds since 1970, and the CPU seconds that each machine had used by then."""


def _looks(while_it_lives: Process, hosts: Sequence[Host]) -> Iterator[Look]:
    while while_it_lives.lives():
        yield time.time(), {host.name: host.cpu_seconds() for host in hosts}
        time.sleep(LOOK_SECONDS)


def _used_between(looks: Sequence[Look], began: float, ended: float) -> dict[str, float]:
    first, last = ([used for at, used in looks if at <= moment][-1] for moment in (began, ended + LOOK_SECONDS))
    return {name: last[name] - first[name] for name in last}


def takeover(kills: int, folder: Path) -> tuple[str, ...]:
    """The machine at work dies while another stands by, warm: from the kill to the next publication."""
    with cluster(folder, workers=0) as made, client_of(made) as client:
        at_work, standby = (Processor(made, made.lone_driver(name), BY_LEASE) for name in ("one", "two"))
        manifest, seconds = folder / "manifest.jsonl", []
        with load(made, manifest):
            next_batch(client, made, at_work)
            for _ in range(kills):
                standby.look()
                standby.until_warm()
                clock = time.monotonic()
                at_work.kill()
                next_batch(client, made, standby, by_another_run=True)
                seconds.append(time.monotonic() - clock)
                at_work, standby = standby, at_work
        outcome = outcome_of(made, client, at_work, manifest)
        assert outcome.is_exact, outcome
    p95 = sorted(seconds)[max(0, round(0.95 * kills) - 1)]
    return f"{kills}", f"{statistics.median(seconds):.1f}", f"{p95:.1f}", f"{made.settings.turn_lease_seconds}"


MEASURES = {
    "overhead": (
        overhead,
        (0, 50),
        ("ms a request", "s between two batches, median", "longest", "requests a batch", "payments/s"),
        "two workers, an object store that answers each request after so long",
    ),
    "drain": (
        drain,
        (1, 2, 4),
        (
            "workers of one core",
            "records",
            "s",
            "records/s",
            "of these s: processing and loading",
            "CPU s of each worker",
            "of the driver",
            "of brokers, warehouse and object store",
            "cores at work",
        ),
        "everything on an object store",
    ),
    "takeover": (
        takeover,
        (20,),
        ("kills of the machine at work", "s until the other published, median", "p95", "s of the lease"),
        "two machines with `local[2]`, everything on an object store",
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=MEASURES)
    parser.add_argument("--values", type=int, nargs="+")
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args(arguments)
    if lacks := missing():
        sys.exit(lacks)
    leave_on_sigterm()
    measure, usual, columns, how = MEASURES[options.what]
    rows = []
    for value in options.values or usual:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(value, Path(folder) / "cluster"))
        sys.stderr.write(f"{rows[-1]}\n")
    shown = measured(f" that all machines share; {how}") + table(columns, rows)
    sys.stdout.write(shown)
    if not options.dry:
        write_table(PAGE, f"cluster_{options.what}", shown)


if __name__ == "__main__":
    main()
