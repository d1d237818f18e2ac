"""The oldest Spark and Python make of the same records what the newest make, and each goes on after the other."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.scenarios.harness.sandbox import event_at
from orchestration.verification.proof import judge
from spark_jobs.contract.payment_event import Disposition
from spark_jobs.crash_points import Point
from spark_jobs.driver.object_store import whole_files
from spark_jobs.driver.spark_session import archive_path
from spark_jobs.incidents import IncidentKind
from spark_jobs.settings import JobSettings
from spark_jobs.tables import catalog
from tests.pairs.oldest import OLDEST_PYTHON, OLDEST_SPARK, ROOT, Pair, spark_in
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.long]

NEWEST_SPARK = spark_in("platform.txt")
NOW = datetime.now(UTC)
PAYMENTS = 20
IMPORT_ALL = """
import importlib, pkgutil, spark_jobs
names = [found.name for found in pkgutil.walk_packages(spark_jobs.__path__, "spark_jobs.")]
for name in names: importlib.import_module(name)
print(len(names))
"""

LEDGER = (
    "start_offsets, end_offsets, delivered, unique_count, duplicate_count, late_count, quarantined_count, watermark, "
    "next_watermark, content_hash"
)
DELIVERIES = (
    "kafka_partition, kafka_offset, disposition, array_to_string(reasons, ',') as reasons, transaction_id, event_time, "
    "currency, amount_minor, to_hex(value_sha256) as value_sha256"
)
TRANSACTIONS = "kafka_partition, kafka_offset, transaction_id, event_time, currency, amount, amount_minor"


@pytest.fixture
def oldest(stack: JobSettings, spark: SparkSession, tmp_path: Path) -> Iterator[World]:
    """A sandbox of the same stack, for the oldest pair: with a topic, a dataset and a checkpoint of its own."""
    (tmp_path / "oldest").mkdir()
    world = World.make(stack, spark, tmp_path / "oldest")
    yield world
    world.client.close()


def records(chunk: int) -> list[bytes]:
    """New payments, one of them twice, retries of the chunk before, one that is late and some that are broken."""
    new = [payment(chunk, number) for number in range(PAYMENTS)]
    before = [payment(chunk - 1, number) for number in range(PAYMENTS)] if chunk else []
    again = [json.dumps(json.loads(value) | {"event_time": moment(chunk).isoformat()}).encode() for value in before[:3]]
    late = event_at(f"late-{chunk}", NOW - timedelta(hours=5))
    broken = [
        b"{",
        b"\xff",
        event_at(f"broken-{chunk}", NOW, currency="XXQ"),
        event_at(f"broken-{chunk}", NOW, amount="-1"),
    ]
    return [*new, new[0], *before[-3:], *again, late, *broken]


def payment(chunk: int, number: int) -> bytes:
    """In several currencies, of which one has no minor unit."""
    currency = ("EUR", "JPY", "BHD")[number % 3]
    amount = ("12.30", "705.00", "1.234")[number % 3]
    at = moment(chunk) - timedelta(seconds=number)
    return event_at(f"payment-{chunk}-{number}", at, currency=currency, amount=amount)


def moment(chunk: int) -> datetime:
    """The newest event time of a chunk. Two chunks are closer together than the watermark trails."""
    return NOW - timedelta(minutes=50) + timedelta(minutes=10 * chunk)


def send(chunk: int, *worlds: World) -> None:
    """The same records to the same places of each."""
    values = records(chunk)
    places = [[*world.send(values[::2], partition=0), *world.send(values[1::2], partition=1)] for world in worlds]
    assert all(found == places[0] for found in places)


def published(world: World) -> dict[str, list[dict[str, Any]]]:
    """All that does not depend on when and by which run it was published."""
    return {
        "batches": world.ask(f"select {LEDGER} from {{batch_ledger}} order by batch_id"),
        "deliveries": world.ask(f"select {DELIVERIES} from {{payment_deliveries}} order by 1, 2"),
        "payments": world.ask(f"select {TRANSACTIONS} from {{payment_transactions}} order by 1, 2"),
    }


def test_the_classes_of_a_session_are_made_ready_by_the_oldest_pair_too(tmp_path: Path) -> None:
    pair = Pair.oldest(tmp_path)
    made = pair.python("-m", "spark_jobs.driver.class_archive")
    assert made.returncode == 0, made.stderr[-3000:]
    assert archive_path(pair.home).exists()
    assert whole_files.jar_path(pair.home, OLDEST_SPARK).exists()


def test_the_oldest_pair_publishes_what_the_newest_publishes_also_when_both_are_killed(
    world: World, oldest: World, tmp_path: Path
) -> None:
    pairs = ((Pair.newest(), world), (Pair.oldest(tmp_path / "home"), oldest))

    send(0, world, oldest)
    for pair, its in pairs:
        pair.drain(its.settings)

    # Published, and the checkpoint does not know; then tagged, and not published. How many batches a run makes of what
    # waits depends on how much that is: whoever compares batches has to kill both.
    for chunk, point in ((1, Point.COMMIT_ANSWERED), (2, Point.STATE_COMMITTED)):
        send(chunk, world, oldest)
        for pair, its in pairs:
            pair.die_at(point, its.settings)
            pair.drain(its.settings)

    found = published(oldest)
    assert found == published(world)
    told = {row["disposition"] for row in found["deliveries"]}
    assert told == {Disposition.UNIQUE, Disposition.DUPLICATE, Disposition.LATE, Disposition.QUARANTINED}
    assert oldest.rows(catalog.INCIDENTS) == [], "each run went on with the checkpoint of the one before"

    # An upgrade of Spark and Python, and the way back: a checkpoint is rebuilt, and every id is still known.
    send(3, world, oldest)
    world.drain()
    oldest.drain()
    send(4, world, oldest)
    for pair, its in pairs:
        pair.drain(its.settings)
    assert published(oldest) == published(world)
    incidents = oldest.rows(catalog.INCIDENTS)
    assert {row["kind"] for row in incidents} == {IncidentKind.CHECKPOINT_UNUSABLE}
    made_by = [re.findall(r"Spark ([0-9.]+[0-9])", row["detail"]) for row in incidents]
    assert sorted(made_by) == [[OLDEST_SPARK, NEWEST_SPARK], [NEWEST_SPARK, OLDEST_SPARK]]
    assert judge(oldest.client, oldest.settings, None).breaks == []


def test_every_module_of_the_job_imports_on_the_oldest_pair(tmp_path: Path) -> None:
    done = Pair.oldest(tmp_path).python("-c", IMPORT_ALL)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > len(catalog.TABLES)


def test_the_job_calls_nothing_that_the_oldest_python_lacks() -> None:
    command = [sys.executable, "-m", "mypy", "--python-version", OLDEST_PYTHON, "spark_jobs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:]
