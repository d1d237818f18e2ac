"""An upgrade and a rollback under traffic: two releases take turns on one dataset, one checkpoint and one topic."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from spark_jobs.tables import catalog
from spark_jobs.tables.migrations import newest_version
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.schema_version import set_version
from tests.faults.chaos import Outcome, count, is_published
from tests.faults.processors import Processor, traffic
from tests.faults.releases import NOW, Release, earlier_release
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.long]

LEASE_SECONDS = 10
BATCHES = 3
"""At least so many are published in each turn."""
CONFIG = SimulationConfig(seed=11, rate=50, retry_rate=0.05, late_rate=0.01, malformed_rate=0.01)

WRITTEN_BY_WHO_IS_REFUSED = {catalog.LEASES, catalog.INCIDENTS}
"""Who had the turn, and that it stopped."""

type Start = Callable[[Release], Processor]


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    with ExitStack() as stack:
        homes = iter(range(99))

        def started(release: Release) -> Processor:
            home = world.folder / f"processor-{next(homes)}"
            processor = Processor(world.settings, home, LEASE_SECONDS, code=release.code, files=world.folder)
            stack.callback(processor.close)
            return processor

        yield started


def test_two_releases_take_turns_under_load_and_every_payment_is_counted_once(
    world: World, start: Start, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    earlier = earlier_release(tmp_path_factory.mktemp("earlier"))
    # How each turn ends. An upgrade and a rollback, each by one that ends in order and by one that is killed.
    turns = ((earlier, in_order), (NOW, killed), (earlier, killed), (NOW, in_order), (earlier, in_order))
    manifest = world.folder / "manifest.jsonl"
    at_work = start(turns[0][0])
    at_work.wait_until_warm()
    with traffic(world.settings, CONFIG, manifest):
        at_work.until(partial(has_published, world, 1))
        for turn, ((_, ending), (release, _)) in enumerate(pairwise(turns), start=2):
            follower = start(release)
            follower.wait_until_warm()
            ending(at_work)
            at_work = follower
            at_work.until(partial(has_published, world, turn))
    assert_each_is_counted_once(world, at_work, manifest)
    in_order(at_work)

    ledger = world.rows(catalog.LEDGER)
    assert {row["epoch"] for row in ledger} == set(range(1, len(turns) + 1)), "an epoch a turn"
    assert len({row["generation"] for row in ledger}) == 1, "each goes on with the other's checkpoint"
    assert world.rows(catalog.INCIDENTS) == []
    env = os.environ | environment | world.settings.environment() | {"DBT_TARGET": "local"}
    for release in (earlier, NOW):
        proved = release.payments("verify", "--full", cwd=world.folder, env=env)
        assert "Proved: every rule holds." in proved.stdout, proved
        audited = release.payments("audit", "--all", cwd=world.folder, env=env)
        assert "every batch is as it was published" in audited.stdout, audited

    assert_a_newer_dataset_is_refused(world, earlier, start, env)


def in_order(processor: Processor) -> None:
    processor.ask_to_end()
    assert processor.end() == 0, processor.output()[-3000:]


def killed(processor: Processor) -> None:
    processor.signal(signal.SIGKILL)
    assert processor.end() == -signal.SIGKILL


def has_published(world: World, turn: int) -> bool:
    """Whether that turn, which is an epoch, has published its BATCHES."""
    return len(world.ask("select 1 as one from {batch_ledger} where epoch = @epoch", epoch=turn)) >= BATCHES


def assert_each_is_counted_once(world: World, at_work: Processor, path: Path) -> None:
    manifest = read_manifest(path)
    ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
    at_work.until(lambda: is_published(world.client, world.settings, ends))
    outcome = Outcome(seed=CONFIG.seed)
    count(manifest, world.rows(catalog.DELIVERIES), world.rows(catalog.TRANSACTIONS), outcome)
    assert outcome.delivered == len(manifest.deliveries) > 0
    assert outcome.is_exact, outcome


def assert_a_newer_dataset_is_refused(world: World, earlier: Release, start: Start, env: dict[str, str]) -> None:
    """As it is after a migration: each command and a processor of the earlier release end with one line."""
    set_version(world.client, table_id(world.settings, catalog.CONTROL), newest_version() + 1)
    before = contents(world)
    for words in (("verify",), ("audit",), ("process",)):
        refused = earlier.payments(*words, cwd=world.folder, env=env)
        assert refused.returncode == 1, refused
        [line] = refused.stderr.splitlines()
        assert line.startswith("SCHEMA_VERSION: ")
    processor = start(earlier)
    assert processor.end() == 1
    assert [line for line in processor.output().splitlines() if line.startswith("SCHEMA_VERSION: ")]
    assert contents(world) == before


def contents(world: World) -> dict[str, object]:
    """The control row and its version, and how many rows each table has."""
    tables = [table for table in catalog.TABLES if table not in WRITTEN_BY_WHO_IS_REFUSED]
    labels = world.client.get_table(table_id(world.settings, catalog.CONTROL)).labels
    return {
        "control": world.rows(catalog.CONTROL),
        "labels": dict(labels),
        **{table.name: len(world.rows(table, "1 as one")) for table in tables},
    }
