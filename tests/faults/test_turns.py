"""Processors on machines of their own: one is frozen and one is killed under traffic, and another publishes on."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from simulator.config import SimulationConfig
from simulator.sending.manifest import read_manifest
from spark_jobs.incidents import IncidentKind
from spark_jobs.tables import catalog
from tests.faults.chaos import Outcome, count, is_published
from tests.faults.processors import Processor, lease_of, published_after, traffic
from tests.world import World

pytestmark = pytest.mark.long

LEASE_SECONDS = 10
"""Longer than a busy machine keeps a thread waiting: nobody but who is frozen or dead may be silent for so long."""

type Start = Callable[[], Processor]


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    with ExitStack() as stack:
        machines = iter(range(9))

        def started() -> Processor:
            processor = Processor(world.settings, world.folder / f"machine-{next(machines)}", LEASE_SECONDS)
            stack.callback(processor.close)
            return processor

        yield started


def test_a_frozen_and_a_killed_processor_are_followed_by_one_on_another_machine_and_nothing_is_lost_or_doubled(
    world: World, start: Start
) -> None:
    manifest = world.folder / "manifest.jsonl"
    first = start()
    first.wait_until_warm()
    with traffic(world.settings, SimulationConfig(seed=7, rate=50, late_rate=0), manifest):
        first.until(lambda: published_after(world.client, world.settings, 0) is not None)
        second = start()
        second.wait_until_warm()
        follows(world, second, lambda: first.signal(signal.SIGSTOP))
        third = start()
        first.signal(signal.SIGCONT)
        assert first.end() != 0
        assert [line for line in first.output().splitlines() if line.startswith("FENCED: ")], first.output()[-3000:]
        third.wait_until_warm()
        follows(world, third, lambda: second.signal(signal.SIGKILL))
    assert_nothing_is_lost_or_doubled(world, third, manifest)
    third.signal(signal.SIGTERM)
    assert third.end() == 0
    assert lease_of(world.client, world.settings)["holder"] == "", "it has let go of it"
    assert {row["kind"] for row in world.rows(catalog.INCIDENTS, "kind")} <= {IncidentKind.FENCED}


def follows(world: World, standby: Processor, happens: Callable[[], None]) -> None:
    """What happens to who is at work; then the standby publishes."""
    epoch = world.control().epoch
    happens()
    standby.until(lambda: published_after(world.client, world.settings, epoch) is not None)


def assert_nothing_is_lost_or_doubled(world: World, at_work: Processor, path: Path) -> None:
    manifest = read_manifest(path)
    ends = {p: 1 + max(r.offset for r in manifest.deliveries if r.partition == p) for p in manifest.per_partition()}
    at_work.until(lambda: is_published(world.client, world.settings, ends))
    outcome = Outcome(seed=0)
    count(manifest, world.rows(catalog.DELIVERIES), world.rows(catalog.TRANSACTIONS), outcome)
    assert outcome.delivered == len(manifest.deliveries) > 0
    assert outcome.is_exact, outcome
