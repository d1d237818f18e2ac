"""Topics as other people keep them: transactions, compaction. Every offset is a record or a hole, and the law holds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType

from orchestration.breaks.data_lost import delete_before
from orchestration.scenarios.harness.proofs import breaks_of
from spark_jobs.contract.payment_event import WATERMARK_DELAY
from spark_jobs.corrections.accepted_gaps import accept_gap
from spark_jobs.driver.first_start import begin_at
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source.connection import producer
from spark_jobs.source.last_records import last_records_from_json, last_records_to_json
from spark_jobs.source.topic import TopicReader, backlog, lost_offsets
from spark_jobs.tables import catalog
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]


@contextmanager
def transactions(world: World) -> Iterator[KafkaProducer]:
    """A transactional producer."""
    sender = producer(world.settings.bootstrap_servers, transactional_id=f"tx-{world.settings.topic}")
    try:
        sender.init_transactions()
        yield sender
    finally:
        sender.close()


def send(sender: KafkaProducer, world: World, names: list[str], partition: int = 0) -> list[tuple[int, int]]:
    sent = [sender.send(world.settings.topic, event(n), key=b"sender", partition=partition) for n in names]
    sender.flush()
    return [(partition, future.get(timeout=30).offset) for future in sent]


def holes(world: World) -> list[tuple[int, int, int, int | None]]:
    rows = world.rows(catalog.LEDGER_PARTITIONS, "batch_id, kafka_partition, delivered, hole_count")
    return sorted((r["batch_id"], r["kafka_partition"], r["delivered"], r["hole_count"]) for r in rows)


def assert_lawful(world: World) -> None:
    assert breaks_of(world) == []


def test_markers_and_aborted_records_are_ledgered_as_holes_and_an_open_transaction_waits(world: World) -> None:
    sent = world.send([event("plain-0"), event("plain-1")]) + world.send([event("plain-2")], partition=1)
    with transactions(world) as sender:
        sender.begin_transaction()
        sent += send(sender, world, ["committed-0", "committed-1"])
        sender.commit_transaction()
        sender.begin_transaction()
        send(sender, world, ["aborted-0", "aborted-1", "aborted-2"])
        sender.abort_transaction()
        sent += world.send([event("plain-3")])
        reports = world.drain(max_offsets_per_batch=1000)
        assert set(world.deliveries()) == set(sent)
        assert sum(report.holes for report in reports) == 1 + 3 + 1
        assert_lawful(world)
        assert world.drain() == []

        sender.begin_transaction()
        opened = send(sender, world, ["open-0", "open-1"])
        behind = world.send([event("behind")])
        with TopicReader(world.settings.bootstrap_servers, world.settings.topic) as reader:
            state = reader.read()
            assert backlog(world.control().end_offsets, state) == 0
            [found] = reader.open_transactions(state)
            assert (found.partition, found.first_offset, found.waiting) == (0, opened[0][1], 3)
            assert found.transactional_id == f"tx-{world.settings.topic}"
            assert found.producer_id is not None
            assert found.since is not None
            assert f"producer {found.producer_id}" in found.describe(datetime.now(UTC))
        assert world.drain() == []
        sender.commit_transaction()
        world.drain()
        assert set(world.deliveries()) == {*sent, *opened, *behind}
        assert_lawful(world)


def test_a_batch_of_nothing_but_holes_is_ledgered_and_the_next_goes_on(world: World) -> None:
    first = world.send([event("one")])
    world.drain()
    watermark = world.control().watermark
    with transactions(world) as sender:
        sender.begin_transaction()
        send(sender, world, ["aborted"])
        sender.abort_transaction()
    [report] = world.drain()
    assert (report.delivered, report.holes, report.next_watermark) == (0, 2, watermark)
    assert world.drain() == []
    assert_lawful(world)
    assert (2, 0, 0, 2) in holes(world)
    again = world.send([event("one"), event("two")])
    world.drain()
    assert world.dispositions() == {first[0]: "UNIQUE", again[0]: "DUPLICATE", again[1]: "UNIQUE"}
    assert_lawful(world)


def test_records_that_were_compacted_away_are_holes(world: World) -> None:
    keep_no_older_values(world)
    kept = [place for n in range(3) for place in world.send([event("same", amount=f"{n + 1}.00")])]
    with TopicReader(world.settings.bootstrap_servers, world.settings.topic) as reader:
        assert reader.configuration()["cleanup.policy"] == "compact"
        while reader.find_holes({0: (0, 3)}, {0: 0}) == {0: 0}:
            # The cleaner leaves the newest segment alone: a record more makes another one the newest.
            kept += world.send([event("same", amount="9.00")])
    world.drain()
    assert sum(row[3] or 0 for row in holes(world)) > 0
    assert_lawful(world)


def test_a_senders_clock_moves_no_watermark_and_a_timestamp_that_is_none_stops_nothing(world: World) -> None:
    change_topic(world, {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**62)})
    now = round(time.time() * 1000)
    hours_ahead = 3 * 3_600_000
    ahead = stamped(world, event("ahead", minutes_ago=-180), now + hours_ahead)
    odd = [stamped(world, event(f"odd-{at}"), at) for at in (0, now * 1000)]
    just = stamped(world, event("just"), now)
    world.drain()
    after = world.send([event("after", minutes_ago=3)])
    world.drain()
    found = world.deliveries()
    assert [found[place]["disposition"] for place in (just, *after)] == ["UNIQUE", "UNIQUE"]
    assert found[ahead]["reasons"] == ["EVENT_TIME_IN_FUTURE"]
    assert all("INVALID_KAFKA_TIMESTAMP" in found[place]["reasons"] for place in odd)
    assert_lawful(world)


def test_a_timestamp_that_spark_cannot_hold_stops_the_run_by_name_and_the_runbook_leads_behind_it(world: World) -> None:
    change_topic(world, {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2**63 - 1)})
    world.send([event("before")])
    world.drain()
    bad = stamped(world, event("nanoseconds"), time.time_ns())
    behind = world.send([event("behind")])
    with pytest.raises(
        Incident, match=rf"^TIMESTAMP_UNREADABLE: \S+ partition {bad[0]} offset {bad[1]} has the timestamp"
    ):
        world.drain()
    delete_before(world, {bad[0]: bad[1] + 1})
    with TopicReader(world.settings.bootstrap_servers, world.settings.topic) as reader:
        lost = lost_offsets(world.control().end_offsets, reader.read())
    accept_gap(world.client, world.settings, world.control(), lost, accepted_by="operator", reason="nanoseconds")
    world.drain()
    assert lost == {bad[0]: (bad[1], bad[1] + 1)}
    assert world.dispositions()[behind[0]] == "UNIQUE"
    assert_lawful(world)


def test_a_backlog_in_order_of_unequal_partitions_has_no_late_payment(world: World) -> None:
    old = [event(f"old-{n}", minutes_ago=660 - 30 * n) for n in range(20)]
    sent = world.send(old) + world.send([event(f"new-{n}") for n in range(20)], partition=1)
    reports = world.drain(max_offsets_per_batch=10)
    assert len(reports) > 2
    assert set(world.dispositions().values()) == {"UNIQUE"}
    watermarks = [report.next_watermark for report in reports if report.next_watermark]
    assert watermarks == sorted(watermarks)
    newest = max(row["event_time"] for row in world.rows(catalog.TRANSACTIONS))
    assert world.control().watermark == newest - WATERMARK_DELAY, "partition 0 holds nothing back once it is caught up"
    world.lose_checkpoint()
    late = world.send([event("late", minutes_ago=120), event("new-3")])
    world.drain()
    dispositions = world.dispositions()
    assert set(dispositions) == {*sent, *late}
    assert [dispositions[place] for place in late] == ["LATE", "DUPLICATE"]
    assert_lawful(world)


def test_a_broker_that_was_set_back_and_gave_offsets_again_stops_the_next_run(world: World) -> None:
    sent = world.send([event(f"payment-{n}") for n in range(3)])
    world.drain()
    assert last_records_from_json(world.control().last_records)[0][0] == sent[-1][1]
    world.drain()
    other = last_records_from_json(world.control().last_records) | {0: (sent[-1][1], "00" * 32)}
    world.ask("update {pipeline_control} set last_records = @text where true", text=last_records_to_json(other))
    world.send([event("unread")])
    with pytest.raises(Incident, match="was set back") as stopped:
        world.drain()
    assert stopped.value.kind is IncidentKind.TOPIC_RECREATED
    [row] = world.rows(catalog.INCIDENTS)
    assert (row["kafka_partition"], row["start_offset"], row["end_offset"]) == (0, sent[-1][1], sent[-1][1] + 1)


def test_a_new_dataset_begins_where_it_was_told_to_and_one_that_has_begun_does_not(world: World) -> None:
    world.send([event(f"before-{n}") for n in range(3)])
    moment = datetime.now(UTC)
    kept = world.send([event("after")])
    with TopicReader(world.settings.bootstrap_servers, world.settings.topic) as reader:
        topic = reader.read()
        offsets = reader.offsets_at(moment, topic)
    assert offsets == {0: kept[0][1], 1: 0}
    assert begin_at(world.settings, topic, offsets) is None
    world.drain()
    assert set(world.deliveries()) == set(kept)
    assert_lawful(world)
    begun = begin_at(world.settings, topic, {0: 0, 1: 0})
    assert begun is not None
    assert begun.end_offsets[0] == kept[0][1] + 1


def stamped(world: World, value: bytes, timestamp_ms: int) -> tuple[int, int]:
    """Send one with a timestamp of its sender's."""
    sender = producer(world.settings.bootstrap_servers)
    try:
        sent = sender.send(world.settings.topic, value, key=b"sender", partition=0, timestamp_ms=timestamp_ms)
        return 0, sent.get(timeout=30).offset
    finally:
        sender.close()


def change_topic(world: World, settings: dict[str, str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, world.settings.topic, settings)])
    finally:
        admin.close()


def keep_no_older_values(world: World) -> None:
    """Have the topic compacted, and the broker's cleaner look again at once."""
    change_topic(world, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.001", "segment.ms": "1"})
    admin = KafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
    try:
        cleaner = {"log.cleaner.backoff.ms": "50"}
        [broker] = admin.describe_cluster()["brokers"]
        admin.alter_configs([ConfigResource(ConfigResourceType.BROKER, str(broker["broker_id"]), cleaner)])
    finally:
        admin.close()
