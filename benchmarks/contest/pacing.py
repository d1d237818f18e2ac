"""Latency of one contender under paced traffic: from the broker's timestamp until a reader would see the payment.

Belongs here: pacing a contender that has drained the large topic, warm as it is. Does not belong here: the latency of
the whole platform, Dagster and dbt included (measurements). Ours is read back from the warehouse, record by record. A
peer's file counts from the moment at which it can be read, looked for ten times a second; which payments it holds, and
when the broker took them, is looked up afterwards.
"""

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks.contest import oracle
from benchmarks.contest.contest import Contender, Failed
from benchmarks.harness import latency_spread
from benchmarks.harness.stack import ends
from local_stack.kafka import ensure_topic
from simulator.config import SimulationConfig
from simulator.sending.bulk import fastest, load
from spark_jobs.settings import JobSettings
from spark_jobs.source.ranges import read_ranges
from spark_jobs.warehouse.client import connect

if TYPE_CHECKING:
    from google.cloud.bigquery import Client

WARM_UP_EVENTS = 2_000
_LOOK_SECONDS = 0.1
_ASK_SECONDS = 0.5
_PATIENCE_SECONDS = 120.0

Counts = dict[float, int]
"""How many payments waited so many seconds, in steps of latency_spread.RESOLUTION_SECONDS."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Payments a second, and for how long."""

    rate: float
    seconds: float


class Reader(Protocol):
    """Who waits for a contender's results."""

    def payments(self) -> int:
        """How many can be read by now."""

    def waits(self, since: datetime) -> Counts:
        """How long those waited that the broker took since then."""


def p95(child: "subprocess.Popen[str]", contender: Contender, settings: JobSettings, output: Path, pace: Pace) -> float:
    """Seconds, by nearest rank.

    Args:
        child: a contender that is done with the large topic.
        contender: which.
        settings: of the paced topic, and of ours the dataset that it goes to.
        output: where a peer's files of that topic will be.
        pace: of the payments.

    Raises:
        Failed: the contender died, or is too slow for the pace.
    """
    ensure_topic(settings.bootstrap_servers, settings.topic)
    with _reader(contender, settings, output) as reader:
        _name_endless(child, settings.topic, sorted(ends(settings, settings.topic)))
        # Event times up to now: a watermark of long ago would have ours cut what follows into small batches.
        sent = _send(settings, SimulationConfig(events=WARM_UP_EVENTS, seed=3, retry_rate=0))
        _await(child, contender, reader, sent)
        since = datetime.now(UTC)
        sent += _send(settings, SimulationConfig(rate=pace.rate, duration_seconds=pace.seconds, seed=4))
        _await(child, contender, reader, sent)
        return latency_spread.spread(0, reader.waits(since)).p95


def _name_endless(child: "subprocess.Popen[str]", topic: str, partitions: list[int]) -> None:
    """Tell a contender that is done of a topic that never ends. Raises Failed where it has died."""
    assert child.stdin  # noqa: S101 - for the type checker: it is a pipe
    line = json.dumps({"topic": topic, "partitions": partitions}) + "\n"
    try:
        # Past the buffer: what is left in it would fail again when the pipe is closed.
        os.write(child.stdin.fileno(), line.encode())
    except BrokenPipeError:
        raise Failed(f"it ended with {child.wait()} before it could be paced.") from None


def _send(settings: JobSettings, config: SimulationConfig) -> int:
    return load(config, settings.bootstrap_servers, settings.topic, fastest()).payments


def _await(child: "subprocess.Popen[str]", contender: Contender, reader: Reader, payments: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (seen := reader.payments()) < payments:
        if child.poll() is not None:
            raise Failed(f"{contender.name} ended with {child.returncode} while it was paced.")
        if time.monotonic() > deadline:
            raise Failed(f"{contender.name} has {payments - seen:,} payments to go long after they were sent.")
        time.sleep(_ASK_SECONDS)


@contextmanager
def _reader(contender: Contender, settings: JobSettings, output: Path) -> Iterator[Reader]:
    if contender.output == "warehouse":
        with connect(settings) as client:
            yield WarehouseReader(client, settings)
        return
    files = FileReader(contender.output, output, settings)
    files.start()
    try:
        yield files
    finally:
        files.stop()


class WarehouseReader:
    """Ours: the ledger knows when a record was published."""

    def __init__(self, client: "Client", settings: JobSettings) -> None:
        self._client = client
        self._settings = settings

    def payments(self) -> int:
        """How many are published."""
        return oracle.published(self._client, self._settings).payments

    def waits(self, since: datetime) -> Counts:
        """Of deliveries: a retry waits as any other."""
        return latency_spread.merged(latency_spread.by_minute(self._settings, since).values())


class FileReader(threading.Thread):
    """A peer's: looks for new files, and notes when each could first be read."""

    def __init__(self, kind: str, folder: Path, settings: JobSettings) -> None:
        super().__init__(daemon=True)
        self._kind = kind
        self._folder = folder
        self._settings = settings
        self._rows: dict[Path, int] = {}
        self._seen: dict[Path, float] = {}
        self._is_over = threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._is_over.wait(_LOOK_SECONDS):
            self.look()

    def stop(self) -> None:
        """Look no longer."""
        self._is_over.set()
        self.join()

    def look(self) -> None:
        """Note every file that can be read now and could not before."""
        import pyarrow.parquet as pq
        from pyarrow import ArrowException

        for path in oracle.files(self._kind, self._folder):
            if path not in self._seen:
                # Some engines show a file that they are still writing.
                with suppress(ArrowException, OSError):
                    self._rows[path] = pq.read_metadata(path).num_rows
                    self._seen[path] = time.time()

    def payments(self) -> int:
        """How many rows the files have."""
        return sum(self._rows.copy().values())

    def waits(self, since: datetime) -> Counts:
        """Of payments: a peer has no more."""
        return waited(self._seen, arrivals(self._settings, since))


def arrivals(settings: JobSettings, since: datetime) -> dict[str, float]:
    """When the broker took the first delivery of each payment, in seconds since 1970, by its id."""
    import msgspec

    class Payment(msgspec.Struct):
        transaction_id: str

    decode = msgspec.json.Decoder(Payment).decode
    found: dict[str, float] = {}
    whole = {partition: (0, end) for partition, end in ends(settings, settings.topic).items()}
    for records in read_ranges(settings, whole):
        for value, at in zip(records["value"].to_pylist(), records["timestamp"].to_pylist(), strict=True):
            if at >= since:
                found.setdefault(decode(value).transaction_id, at.timestamp())
    return found


def waited(seen: dict[Path, float], arrived: dict[str, float]) -> Counts:
    """Waits of the payments in Parquet files.

    Args:
        seen: when each file could be read, in seconds since 1970.
        arrived: when the broker took a payment, by its id; others are passed over.
    """
    import pyarrow.parquet as pq

    steps: Counter[int] = Counter()
    for path, at in seen.items():
        for id_ in pq.read_table(path, columns=["transaction_id"])["transaction_id"].to_pylist():
            if id_ in arrived:
                steps[round((at - arrived[id_]) / latency_spread.RESOLUTION_SECONDS)] += 1
    return {step * latency_spread.RESOLUTION_SECONDS: count for step, count in steps.items()}
