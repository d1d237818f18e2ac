"""Whatever Kafka does, a run goes on rightly or stops with an incident on record: never a silent gap."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import KafkaAdminClient

from local_stack.kafka import Broker, ensure_topic
from local_stack.processes import free_port
from orchestration.breaks.data_lost import delete_before
from orchestration.verification.ledger_rules import Evidence, find_breaks
from spark_jobs.corrections.accepted_gaps import accept_gap
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.publishing.batch_report import BatchReport
from spark_jobs.source.topic import BrokerUnreachable, TopicReader, lost_offsets
from spark_jobs.tables import catalog
from spark_jobs.tables.row_types import Row
from tests.faults.victims import kill
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]


@contextmanager
def admin(world: World) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
    try:
        yield client
    finally:
        client.close()


def stopped(world: World, **changes: Any) -> Incident:
    with pytest.raises(Incident) as incident:
        world.drain(**changes)
    assert "\n" not in str(incident.value)
    return incident.value


def recorded(world: World) -> list[tuple[str, int | None, int | None, int | None]]:
    rows = sorted(world.rows(catalog.INCIDENTS), key=lambda row: row["kafka_partition"] or 0)
    assert all(row["detail"].startswith(row["kind"]) and row["topic"] == world.settings.topic for row in rows)
    assert len({row["incident_id"] for row in rows}) <= 1
    return [(row["kind"], row["kafka_partition"], row["start_offset"], row["end_offset"]) for row in rows]


def evidence(world: World) -> Evidence:
    """What `payments verify` reads about batches and offsets."""
    deliveries = world.rows(catalog.DELIVERIES, "batch_id, kafka_partition, disposition, kafka_offset, kafka_timestamp")
    groups: dict[tuple[int, int, str], list[Row]] = {}
    for row in deliveries:
        groups.setdefault((row["batch_id"], row["kafka_partition"], row["disposition"]), []).append(row)
    return Evidence(
        ledger=world.rows(catalog.LEDGER),
        ledger_partitions=world.rows(catalog.LEDGER_PARTITIONS),
        control=world.rows(catalog.CONTROL),
        accepted_gaps=world.rows(catalog.ACCEPTED_GAPS),
        delivery_counts=[
            {
                "batch_id": batch_id,
                "kafka_partition": partition,
                "disposition": disposition,
                "record_count": len(rows),
                "min_offset": min(row["kafka_offset"] for row in rows),
                "max_offset": max(row["kafka_offset"] for row in rows),
                "min_kafka_timestamp": min(row["kafka_timestamp"] for row in rows),
                "max_kafka_timestamp": max(row["kafka_timestamp"] for row in rows),
            }
            for (batch_id, partition, disposition), rows in groups.items()
        ],
    )


def accept(world: World) -> dict[int, tuple[int, int]]:
    with TopicReader(world.settings.bootstrap_servers, world.settings.topic) as reader:
        lost = lost_offsets(world.control().end_offsets, reader.read())
    accept_gap(world.client, world.settings, world.control(), lost, accepted_by="operator", reason="retention")
    return lost


def test_lost_offsets_stop_the_run_until_somebody_accepts_the_loss(world: World) -> None:
    read = world.send([event("one"), event("two")]) + world.send([event("three")], partition=1)
    world.drain()
    world.send([event(f"lost-{n}") for n in range(4)])
    kept = world.send([event("one"), event("four")]) + world.send([event("five")], partition=1)
    delete_before(world, {0: 6})

    before = world.control()
    incident = stopped(world)
    assert incident.kind is IncidentKind.OFFSETS_LOST
    assert "partition 0 offsets 2 to 5" in str(incident)
    assert recorded(world) == [("OFFSETS_LOST", 0, 2, 6)]
    assert world.control().end_offsets == before.end_offsets
    assert set(world.deliveries()) == set(read)

    assert accept(world) == {0: (2, 6)}
    assert world.control().epoch == before.epoch + 2
    assert find_breaks(evidence(world)) == [], "accepted, and nothing read since"
    world.drain()
    dispositions = world.dispositions()
    assert set(dispositions) == {*read, *kept}
    assert [dispositions[place] for place in kept] == ["DUPLICATE", "UNIQUE", "UNIQUE"]
    [gap] = world.rows(catalog.ACCEPTED_GAPS)
    assert (gap["kafka_partition"], gap["start_offset"], gap["end_offset"], gap["accepted_by"]) == (0, 2, 6, "operator")

    found = evidence(world)
    assert find_breaks(found) == []
    rules = {b.rule for b in find_breaks(replace(found, accepted_gaps=()))}
    assert "a batch starts where the last one ended" in rules


def test_a_loss_accepted_twice_is_one_gap_after_the_other(world: World) -> None:
    world.send([event("one")])
    world.drain()
    world.send([event(f"payment-{n}") for n in range(6)])
    delete_before(world, {0: 3})
    assert accept(world) == {0: (1, 3)}
    delete_before(world, {0: 5})
    assert stopped(world).kind is IncidentKind.OFFSETS_LOST
    assert accept(world) == {0: (3, 5)}
    world.drain()
    assert set(world.deliveries()) == {(0, 0), (0, 5), (0, 6)}
    assert find_breaks(evidence(world)) == []


def test_a_gap_is_not_accepted_behind_the_back_of_a_run(world: World) -> None:
    world.send([event("one")])
    world.drain()
    seen = world.control()
    world.send([event("two")])
    world.drain()
    with pytest.raises(Incident) as incident:
        accept_gap(world.client, world.settings, seen, {0: (1, 5)}, accepted_by="operator", reason="retention")
    assert incident.value.kind is IncidentKind.FENCED
    assert world.rows(catalog.ACCEPTED_GAPS) == []
    assert world.control().end_offsets[0] == 2


def test_offsets_lost_while_a_query_runs_are_an_incident_too(world: World) -> None:
    """The query's next batches are planned already when the broker drops what they would read."""
    # Large ones, many times what one fetch brings: Spark's consumer would have small ones in its buffer already.
    count = 40
    world.send([b"x" * 900_000 for _ in range(count)])

    def eat(_report: BatchReport) -> None:
        delete_before(world, {0: count})

    incident = stopped(world, on_batch=eat)
    assert incident.kind is IncidentKind.OFFSETS_LOST
    reached = world.control().end_offsets[0]
    assert 0 < reached < count
    assert recorded(world) == [("OFFSETS_LOST", 0, reached, count)]
    assert set(world.deliveries()) == {(0, offset) for offset in range(reached)}


def test_a_topic_created_anew_is_an_incident_with_offsets_and_not_a_gap_to_accept(world: World) -> None:
    world.send([event("one"), event("two")])
    world.drain()
    with admin(world) as client:
        client.delete_topics([world.settings.topic])
    ensure_topic(world.settings.bootstrap_servers, world.settings.topic, partitions=2)
    world.send([event(f"new-{n}") for n in range(5)])
    before = world.control().end_offsets
    incident = stopped(world)
    assert incident.kind is IncidentKind.TOPIC_RECREATED
    assert ("TOPIC_RECREATED", 0, 5, 2) in recorded(world)
    assert world.control().end_offsets == before


def test_partitions_added_between_batches_and_before_a_lost_checkpoint_are_read_from_their_start(world: World) -> None:
    sent = world.send([event(f"payment-{n}") for n in range(8)])

    def add_partitions(report: BatchReport) -> None:
        if report.batch_id == 1:
            with admin(world) as client:
                client.create_partitions({world.settings.topic: 3})
            sent.extend(world.send([event("payment-1"), event("other")], partition=2))

    world.drain(on_batch=add_partitions)
    assert set(world.deliveries()) == set(sent)

    with admin(world) as client:
        client.create_partitions({world.settings.topic: 4})
    world.lose_checkpoint()
    sent += world.send([event("payment-1"), event("another")], partition=3)
    world.drain()
    dispositions = world.dispositions()
    assert set(dispositions) == set(sent)
    assert [dispositions[3, offset] for offset in (0, 1)] == ["DUPLICATE", "UNIQUE"]
    assert world.rows(catalog.INCIDENTS) == []


@pytest.fixture(scope="module")
def broker(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that may be stopped and killed: no other test uses it."""
    own = tmp_path_factory.mktemp("broker")
    (own / "jars").symlink_to(home / "jars")
    broker = Broker(own, f"127.0.0.1:{free_port('127.0.0.1')}")
    try:
        broker.start()
        yield broker
    finally:
        pid = broker.pid()
        if pid:
            os.kill(pid, signal.SIGCONT)
        broker.stop()


@pytest.fixture
def own_world(world: World, broker: Broker, tmp_path: Path) -> Iterator[World]:
    """A sandbox of the shared warehouse, fed by that broker."""
    shared = replace(world.settings, bootstrap_servers=broker.bootstrap_servers)
    own = World.make(shared, world.spark, tmp_path / "own")
    yield own
    own.client.close()


def test_a_broker_that_freezes_for_a_while_only_delays(own_world: World, broker: Broker) -> None:
    sent = own_world.send([event(f"payment-{n}") for n in range(8)])
    thaw: list[threading.Timer] = []

    def freeze(report: BatchReport) -> None:
        pid = broker.pid()
        if report.batch_id == 1 and pid:
            os.kill(pid, signal.SIGSTOP)
            thaw.append(threading.Timer(2.0, os.kill, (pid, signal.SIGCONT)))
            thaw[0].start()

    own_world.drain(on_batch=freeze)
    assert thaw
    assert set(own_world.deliveries()) == set(sent)


def test_a_broker_that_is_killed_is_an_error_while_it_is_away_and_nothing_once_it_is_back(
    own_world: World, broker: Broker
) -> None:
    sent = own_world.send([event("one"), event("two")])
    own_world.drain()
    sent += own_world.send([event("two"), event("three")])
    kill(broker)
    with pytest.raises(BrokerUnreachable, match="KAFKA_BOOTSTRAP_SERVERS"):
        own_world.drain()
    broker.start()
    own_world.drain()
    dispositions = own_world.dispositions()
    assert [dispositions[place] for place in sent] == ["UNIQUE", "UNIQUE", "DUPLICATE", "UNIQUE"]


def test_a_clock_that_jumps_changes_no_disposition(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.send([event("first")])
    world.drain()
    for hours in (-2, 2):
        clock = SimpleNamespace(now=lambda zone, hours=hours: datetime.now(zone) + timedelta(hours=hours))
        monkeypatch.setattr("spark_jobs.driver.run.datetime", clock)
        values = [
            event(f"new-{hours}"),
            event(f"late-{hours}", minutes_ago=61),
            event(f"nearly-late-{hours}", minutes_ago=50),
            event("first"),
            event(f"future-{hours}", minutes_ago=-180),
        ]
        sent = world.send(values)
        world.drain()
        dispositions = world.dispositions()
        assert [dispositions[place] for place in sent] == ["UNIQUE", "LATE", "UNIQUE", "DUPLICATE", "QUARANTINED"]
