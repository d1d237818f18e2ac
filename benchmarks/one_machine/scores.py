"""How soon a payment has its fraud score with `make up` at its default: from the broker's timestamp to the answer.

Usage: python -m benchmarks.one_machine.scores [--seconds N] [--every N] [--dry]. Writes a table and figures into
docs/performance.md. A reader asks `payment_fraud_current` again and again, as a fraud team's program would: a payment
has its score when an answer has it. What the reader takes of the machine is part of it.

Belongs here: the reader. Does not belong here: how late a batch is (measurements), how scores are made (dbt_project).
"""

import argparse
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from google.cloud import bigquery

from benchmarks.harness.figures import ROOT, keep, measured, table, write_table
from benchmarks.harness.latency_spread import Spread, spread
from benchmarks.harness.platform import running_platform
from orchestration.platform.stack import DEFAULT_RATE
from orchestration.watch.rules import FRAUD_SCORE
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import connect, run

PAGE = ROOT / "docs" / "performance.md"
VIEW = "payment_fraud_current"
SECONDS, EVERY_SECONDS = 600.0, 5.0
_FIRST_BUILD_SECONDS = 480.0
_GRACE_SECONDS = 30.0
"""How much longer the reader asks for payments of the last moments."""
_LOOKS_BACK = timedelta(minutes=15)


@dataclass
class Reader:
    """Asks for the newest scores, and notes when each payment's came."""

    settings: JobSettings
    client: bigquery.Client
    seen: dict[str, datetime] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    by_watch: list[float] = field(default_factory=list)

    def await_view(self) -> None:
        """Return once the first build has made it. Raises TimeoutError."""
        deadline = time.monotonic() + _FIRST_BUILD_SECONDS
        while VIEW not in {item.table_id for item in self.client.list_tables(self._dataset)}:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no build has made {VIEW} after {_FIRST_BUILD_SECONDS:.0f} s.")
            time.sleep(1)

    def ask_for(self, seconds: float, every: float) -> None:
        """Ask so long, at most so often."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.monotonic()
            self._ask()
            time.sleep(max(0.0, every - (time.monotonic() - began)))

    def _ask(self) -> None:
        began = time.monotonic()
        sql = f"select transaction_id from `{self._dataset}.{VIEW}` where event_time >= @since"
        rows = run(self.client, sql, {"since": datetime.now(UTC) - _LOOKS_BACK})
        self.waits.append(time.monotonic() - began)
        at = datetime.now(UTC)
        for row in rows:
            self.seen.setdefault(row["transaction_id"], at)
        told = f"select measured_seconds from `{table_id(self.settings, catalog.OBSERVATIONS)}` where metric = @metric"
        self.by_watch += [float(row["measured_seconds"]) for row in run(self.client, told, {"metric": FRAUD_SCORE})]

    def written(self, since: datetime, until: datetime) -> dict[str, datetime]:
        """When the broker took each payment that it took in between and that is published."""
        sql = f"""
            select transaction_id, kafka_timestamp from `{table_id(self.settings, catalog.TRANSACTIONS)}`
            where kafka_timestamp >= @since and kafka_timestamp < @until
            """
        rows = run(self.client, sql, {"since": since, "until": until})
        return {row["transaction_id"]: row["kafka_timestamp"] for row in rows}

    @property
    def _dataset(self) -> str:
        return f"{self.settings.project}.{self.settings.dataset}"


def latencies(written: Mapping[str, datetime], seen: Mapping[str, datetime], last: datetime) -> dict[float, int]:
    """How many payments had each latency, in tenths of a second; what was never seen has waited until `last`."""
    waited = ((seen.get(name, last) - at).total_seconds() for name, at in written.items())
    return dict(Counter(round(seconds, 1) for seconds in waited))


@contextmanager
def platform(folder: Path) -> Iterator[JobSettings]:
    """What `make up` starts, at its default."""
    with running_platform(folder) as running:
        running.start_dashboard(lambda _: None)
        running.start_traffic(DEFAULT_RATE, lambda _: None)
        yield running.settings.job


def score_table(found: Spread, seconds: float, every: float, wait: float) -> str:
    """One row, as Markdown."""
    how = (
        f", `make up` at its default ({DEFAULT_RATE:g} payments/s) for {seconds / 60:.2g} minutes after the first "
        f"build; the reader asks every {every:g} s and waits {wait:.1f} s for an answer"
    )
    row = [f"{found.records:,}", *(f"{one:.1f}" for one in (found.p50, found.p95, found.p99, found.worst))]
    return measured(how) + table(["payments", "p50 s", "p95 s", "p99 s", "worst s"], [row])


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--every", type=float, default=EVERY_SECONDS)
    parser.add_argument("--dry", action="store_true", help="keep nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, platform(Path(folder)) as settings, connect(settings) as client:
        reader = Reader(settings, client)
        reader.await_view()
        # What came before was waiting for the first build.
        reader.ask_for(1, options.every)
        since = datetime.now(UTC)
        reader.ask_for(options.seconds, options.every)
        until = datetime.now(UTC)
        reader.ask_for(_GRACE_SECONDS, options.every)
        counts = latencies(reader.written(since, until), reader.seen, datetime.now(UTC))
    found = spread(-1, counts)
    shown = score_table(found, options.seconds, options.every, statistics.median(reader.waits))
    by_watch = max(reader.by_watch, default=0.0)
    print(shown, f"by the watch, at most: {by_watch:.0f} s", sep="\n", flush=True)  # noqa: T201 - this is a command
    if not options.dry:
        write_table(PAGE, "fraud-score", shown)
        keep({"fraud_score_p95_seconds": found.p95, "fraud_score_watch_seconds": by_watch})


if __name__ == "__main__":
    main()
