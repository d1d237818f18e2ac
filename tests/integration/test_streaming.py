"""The streaming job on a real broker, Spark and warehouse: every record exactly once, whatever happened to the run."""

import json
import os
import shutil
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

from orchestration.scenarios.harness.proofs import breaks_of
from orchestration.verification.audit_reads import days_of, read_day
from orchestration.verification.ledger_audit import Broken, judge
from orchestration.verification.warehouse_reads import WarehouseReads
from simulator.sending.manifest import Manifest
from spark_jobs.contract.payment_event import LABEL_REASONS
from spark_jobs.deduplication.buckets import labels_of
from spark_jobs.driver import standby
from spark_jobs.driver.batch_sizes import FIRST_BATCHES
from spark_jobs.driver.run import Run
from spark_jobs.driver.spark_session import jar_paths
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.source import stream
from spark_jobs.source.offsets import offsets_from_json
from spark_jobs.source.topic import BrokerUnreachable
from spark_jobs.streaming.locations import Locations
from spark_jobs.streaming.plan import tallies_of
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from tests.corpus.cases import DEFAULT_KEY, read_cases
from tests.world import World, event

pytestmark = pytest.mark.integration

LARGEST_SENT = 900_000
"""A producer sends nothing larger by default."""
OF_THE_FINALIZER = 2
"""Both ends of the socket by which the JVM's finalizer says that it has collected a callback, whenever it does."""


def intended(*manifests: Manifest) -> dict[tuple[int, int], tuple[str, str, list[str]]]:
    return {
        (r.partition, r.offset): (r.disposition.value, r.sha256, [reason.value for reason in r.reasons])
        for manifest in manifests
        for r in manifest.deliveries
    }


def published(world: World) -> dict[tuple[int, int], tuple[str, str, list[str]]]:
    return {
        place: (row["disposition"], row["value_sha256"].hex(), row["reasons"])
        for place, row in world.deliveries().items()
    }


def newest(folder: Path) -> Path:
    return max((p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))


def spark_checkpoint(world: World) -> Path:
    return world.folder / "checkpoints" / world.settings.pipeline / world.control().generation / "spark"


def test_every_record_gets_the_disposition_that_the_simulator_intended(world: World) -> None:
    first = world.simulate(3000, seed=1)
    reports = world.drain()
    assert len(reports) >= FIRST_BATCHES
    assert published(world) == intended(first)

    second = world.simulate(2000, seed=2)
    world.drain()
    assert published(world) == intended(first, second)
    transactions = world.rows(catalog.TRANSACTIONS, "transaction_id, kafka_partition, kafka_offset, amount_minor")
    unique = [r for m in (first, second) for r in m.deliveries if r.disposition == "UNIQUE"]
    assert sorted((r["transaction_id"], r["kafka_offset"], r["amount_minor"]) for r in transactions) == sorted(
        (r.transaction_id, r.offset, r.amount_minor) for r in unique
    )


def test_the_ledger_adds_up_to_what_the_broker_holds(world: World) -> None:
    deliveries = list(world.simulate(1000, seed=3).deliveries)
    reports = world.drain()
    deliveries += world.simulate(300, seed=6).deliveries
    reports = [*reports, *world.drain()]
    ledger = sorted(world.rows(catalog.LEDGER), key=lambda row: row["batch_id"])
    assert [row["batch_id"] for row in ledger] == list(range(1, len(reports) + 1))
    assert sum(row["delivered"] for row in ledger) == len(deliveries)
    ends = [offsets_from_json(row["end_offsets"]) for row in ledger]
    starts = [offsets_from_json(row["start_offsets"]) for row in ledger]
    assert starts[1:] == ends[:-1]
    assert ends[-1] == world.control().end_offsets
    amounts = world.rows(catalog.LEDGER_AMOUNTS)
    for currency in {record.currency for record in deliveries}:
        sent = sum(r.amount_minor for r in deliveries if r.currency == currency and currency)
        kept = sum(
            r["amount_minor"] for r in amounts if r["currency"] == currency and r["disposition"] != "QUARANTINED"
        )
        assert kept == sent
    assert audited(world) == {}
    assert_an_audit_names_what_a_hand_has_touched(world, [row["batch_id"] for row in ledger])


def audited(world: World) -> dict[int, Broken]:
    """What an audit of every day finds, by batch."""
    with WarehouseReads(world.client, world.settings).at_one_moment() as reads:
        verdicts = [judge(read_day(reads, day)) for day in days_of(reads)]
    assert sum(verdict.batches != [] for verdict in verdicts) >= 1
    return {batch.batch_id: batch.broken for verdict in verdicts for batch in verdict.batches if batch.broken}


def assert_an_audit_names_what_a_hand_has_touched(world: World, batches: list[int]) -> None:
    first, second, *_, last = batches
    deliveries, ledger = (f"`{table_id(world.settings, table)}`" for table in (catalog.DELIVERIES, catalog.LEDGER))
    one = f"""kafka_partition = 0
        and kafka_offset = (select max(kafka_offset) from {deliveries} where batch_id = {first} and kafka_partition = 0)
        """
    run(world.client, f"update {deliveries} set value_sha256 = sha256('another') where {one}", {})
    assert audited(world) == {first: Broken.CONTENT_DIFFERS}
    run(world.client, f"update {ledger} set late_count = late_count + 1 where batch_id = {second}", {})
    assert audited(world) == {first: Broken.CONTENT_DIFFERS, second: Broken.LEDGER_DIFFERS}
    run(world.client, f"delete from {ledger} where batch_id in ({first}, {last})", {})
    missing = dict.fromkeys((first, last), Broken.BATCH_MISSING)
    assert {number: broken for number, broken in audited(world).items() if number in missing} == missing


def test_a_batch_replayed_after_its_publication_changes_nothing(world: World) -> None:
    manifest = world.simulate(500, seed=4)
    world.drain()
    # What a driver leaves behind that died between the warehouse's commit and Spark's.
    commit = newest(spark_checkpoint(world) / "commits")
    commit.unlink()
    commit.with_name(f".{commit.name}.crc").unlink(missing_ok=True)

    again = world.simulate(500, seed=5)
    world.drain()
    assert published(world) == intended(manifest, again)
    assert len(world.rows(catalog.LEDGER)) == world.control().last_batch_id


def test_what_arrives_while_a_first_query_starts_is_not_cut_as_finely_as_what_it_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Run._start

    def start_late(run: Run, plan: DataFrame, waiting: int) -> StreamingQuery:
        if not run.reports:
            world.send(event(f"later-{n}") for n in range(60))
        return start(run, plan, waiting)

    monkeypatch.setattr("spark_jobs.driver.batch_sizes.FIRST_BATCHES", 1)
    monkeypatch.setattr(Run, "_start", start_late)
    world.send([event("first-1"), event("first-2")])
    with Run(world.spark, world.settings, lambda _: None) as run:
        while run.drain_once(deadline=float("inf")):
            pass
    assert len(run.reports) < 31
    assert list(world.dispositions().values()) == ["UNIQUE"] * 62


def test_what_arrives_while_a_session_warms_up_is_one_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    read_kafka = stream.read_kafka

    def read_late(*given: Any) -> DataFrame:
        world.send(event(f"later-{n}") for n in range(2 * standby.WARM_UP_RECORDS))
        return read_kafka(*given)

    world.send([event("first")])
    world.drain()
    monkeypatch.setattr(stream, "read_kafka", read_late)
    monkeypatch.setattr(standby, "_evaluate", lambda tallies, _: batches.append(tallies.collect()))
    standby.warm_up(world.spark, world.settings)
    assert len(batches) == 1


def test_consumers_of_ended_queries_are_let_go_of(world: World) -> None:
    world.send([event("only")])
    world.drain()
    deadline = time.monotonic() + 60
    while consumers_alive(world) and time.monotonic() < deadline:
        time.sleep(1)
    assert consumers_alive(world) == 0


def test_queries_leave_no_sockets_behind_by_which_they_were_called_back(world: World) -> None:
    with Run(world.spark, world.settings, lambda _: None) as run:
        for number in range(5):
            world.send([event(f"payment-{number}")])
            assert run.drain_once(deadline=float("inf"))
    jvm: Any = world.spark._jvm
    jvm.System.gc()
    deadline = time.monotonic() + 60
    while len(callback_sockets(world)) > OF_THE_FINALIZER and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(callback_sockets(world)) <= OF_THE_FINALIZER


def callback_sockets(world: World) -> list[str]:
    """Both ends of each connection from the virtual machine to this process, as the kernel shows them."""
    gateway: Any = world.spark.sparkContext._gateway
    port = f":{gateway._python_proxy_port:04X}"
    listening, closed = "0A", "06"
    lines = [line for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]]
    return [
        line
        for line in lines
        if any(address.endswith(port) for address in line.split()[1:3]) and line.split()[3] not in (listening, closed)
    ]


def consumers_alive(world: World) -> int:
    """Of Spark's tasks, in the virtual machine's heap."""
    gateway = world.spark.sparkContext._gateway
    assert gateway
    asked = ["jcmd", str(gateway.proc.pid), "GC.class_histogram"]
    lines = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    counts = [line.split() for line in lines if "org.apache.kafka.clients.consumer.KafkaConsumer " in f"{line} "]
    return sum(int(count[1]) for count in counts)


def test_a_lost_checkpoint_is_rebuilt_and_still_knows_what_was_published(world: World) -> None:
    ids = [f"payment-{n}" for n in range(300)]
    world.send([event(i) for i in ids])
    world.drain()
    generation = world.control().generation
    world.lose_checkpoint()

    again = world.send([event(i) for i in ids])
    new = world.send([event("another")])
    world.drain()
    dispositions = world.dispositions()
    assert {dispositions[place] for place in again} == {"DUPLICATE"}
    assert dispositions[new[0]] == "UNIQUE"
    assert world.control().generation != generation


def test_a_checkpoint_older_than_the_warehouse_is_not_gone_on_with(world: World) -> None:
    world.send([event("one")])
    world.drain()
    old = spark_checkpoint(world).parent
    shutil.copytree(old, world.folder / "copy")
    world.send([event("two")])
    world.drain()
    shutil.rmtree(old)
    shutil.copytree(world.folder / "copy", old)

    world.send([event("two"), event("three")])
    world.drain()
    assert sorted(world.dispositions().values()) == ["DUPLICATE", "UNIQUE", "UNIQUE", "UNIQUE"]


def test_a_run_that_was_overtaken_publishes_nothing(world: World) -> None:
    sent = world.send([event("one"), event("two")])
    new_run = partial(Run, world.spark, world.settings, lambda _: None)
    with new_run() as zombie, new_run() as successor:
        with pytest.raises(Incident) as incident:
            zombie.drain_once(deadline=float("inf"))
        assert incident.value.kind is IncidentKind.FENCED
        assert world.rows(catalog.DELIVERIES) == []
        successor.drain_once(deadline=float("inf"))
    assert world.dispositions() == dict.fromkeys(sent, "UNIQUE")


def test_bad_input_is_kept_with_its_reason_and_stops_nothing(world: World) -> None:
    values: list[bytes | None] = [None, b"", b"\xff\xfe", b"{", b"[" * 100, b'{"amount":1}', event("x" * 65)]
    bad = world.send(values)
    good = world.send([event("good")])
    world.drain()
    deliveries = world.deliveries()
    assert [deliveries[place]["raw_value"] for place in bad] == values
    assert all(deliveries[place]["disposition"] == "QUARANTINED" for place in bad)
    assert [deliveries[place]["reasons"][0] for place in bad] == [
        "TOMBSTONE",
        "EMPTY_VALUE",
        "INVALID_UTF8",
        "INVALID_JSON",
        "TOO_DEEP",
        "WRONG_TYPE",
        "INVALID_TRANSACTION_ID",
    ]
    assert deliveries[good[0]]["disposition"] == "UNIQUE"
    assert deliveries[good[0]]["raw_value"] is None


def test_a_flood_of_every_kind_of_poison_loses_no_good_payment(world: World) -> None:
    """Half of the traffic is bad. What is judged by a clock or by earlier records is for unit tests."""
    poison = [
        case
        for case in read_cases()
        if set(case.reasons) - set(LABEL_REASONS.values())
        and case.key == DEFAULT_KEY
        and case.headers is None
        and not any("_TIME" in reason for reason in case.reasons)
        and len(case.value or b"") < LARGEST_SENT
    ]
    assert len({case.kind for case in poison}) > 30
    good = [event(f"payment-{n}") for n in range(3 * len(poison))]
    mixed = [value for pair in zip(good, [case.value for case in poison] * 3, strict=True) for value in pair]
    places = world.send(mixed)
    world.drain()
    found = world.deliveries()
    assert {found[place]["disposition"] for place in places[::2]} == {"UNIQUE"}
    # Before the noon that the corpus is from, all of it is in the future besides.
    reasons = [tuple(r for r in found[place]["reasons"] if r != "EVENT_TIME_IN_FUTURE") for place in places[1::2]]
    labels = set(LABEL_REASONS.values())
    assert reasons == [tuple(r for r in case.reasons if r not in labels) for case in poison] * 3
    assert [found[place]["raw_value"] for place in places[1::2]] == [case.value for case in poison] * 3


def test_the_header_says_whether_an_event_has_a_kind(world: World) -> None:
    about = {"kind": "refund", "original_transaction_id": "paid"}
    first, second, third = (event(name, 0, **about) for name in ("of-version-1", "refunded", "of-version-3"))
    world.send([event("paid"), first])
    world.send([second], headers=[("schema_version", b"2")])
    [unsupported] = world.send([third], headers=[("schema_version", b"3")])
    world.drain()
    rows = {row["transaction_id"]: row for row in world.rows(catalog.TRANSACTIONS)}
    kinds = {name: (row["payment_kind"], row["original_transaction_id"]) for name, row in rows.items()}
    assert kinds == {"paid": (None, None), "of-version-1": (None, None), "refunded": ("refund", "paid")}
    assert json.loads(rows["of-version-1"]["extra_fields"]) == about
    assert rows["refunded"]["extra_fields"] is None
    held = world.deliveries()[unsupported]
    assert (held["disposition"], held["reasons"]) == ("QUARANTINED", ["UNSUPPORTED_SCHEMA_VERSION"])
    assert (held["raw_value"], held["headers"]) == (third, '[["schema_version","3"]]')
    assert breaks_of(world) == []


def test_an_unknown_field_is_kept_as_json(world: World) -> None:
    world.send([event("one")[:-1] + b',"loyalty":{"points":12.50}}'])
    world.drain()
    [row] = world.rows(catalog.TRANSACTIONS)
    assert row["extra_fields"] == '{"loyalty":{"points":12.50}}'
    assert json.loads(row["extra_fields"]) == {"loyalty": {"points": 12.5}}


def test_a_partition_added_while_running_is_read_from_its_start(world: World) -> None:
    from kafka import KafkaAdminClient

    with Run(world.spark, world.settings, lambda _: None) as run:
        world.send([event("one")], partition=0)
        run.drain_once(deadline=float("inf"))
        admin = KafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
        admin.create_partitions({world.settings.topic: 3})
        admin.close()
        world.send([event("one"), event("two")], partition=2)
        run.drain_once(deadline=float("inf"))
    assert world.dispositions() == {(0, 0): "UNIQUE", (2, 0): "DUPLICATE", (2, 1): "UNIQUE"}


def test_a_topic_that_was_created_anew_stops_the_run(world: World) -> None:
    from kafka import KafkaAdminClient

    from local_stack.kafka import ensure_topic

    world.send([event("one")])
    world.drain()
    admin = KafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
    admin.delete_topics([world.settings.topic])
    admin.close()
    ensure_topic(world.settings.bootstrap_servers, world.settings.topic, partitions=2)
    with pytest.raises(Incident) as incident:
        world.drain()
    assert incident.value.kind is IncidentKind.TOPIC_RECREATED


def test_a_broker_that_does_not_answer_is_an_error_not_an_empty_topic(world: World) -> None:
    with pytest.raises(BrokerUnreachable, match="KAFKA_BOOTSTRAP_SERVERS"):
        world.drain(bootstrap_servers="127.0.0.1:9")


def test_spark_puts_every_bucket_into_a_partition_of_its_own(world: World) -> None:
    for buckets in (2, 4, 7):
        labels = [(label,) for label in labels_of(buckets)]
        frame = world.spark.createDataFrame(labels, "bucket int")
        partitions = frame.select(F.expr(f"pmod(hash(bucket), {buckets})")).collect()
        assert sorted(row[0] for row in partitions) == list(range(buckets))


def test_also_a_single_bucket_is_read_only_once_all_is_written(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    records = stream.read_kafka(world.spark, world.settings, {0: 0, 1: 0}, 1_000).coalesce(1)
    tallies_of(records, Locations("file:///checkpoint", "file:///staging"), buckets=1).explain()
    steps = capsys.readouterr().out
    assert steps.index("FlatMapGroupsInPandasWithState") < steps.index("Exchange") < steps.index("MapInArrow")


def test_the_job_runs_under_spark_submit(world: World, home: Path) -> None:
    sent = world.send([event("one"), event("one"), event("two")])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | world.settings.environment() | {"PATH": path}
    jars = ",".join(jar_paths(home))
    command = ["spark-submit", "--jars", jars, "spark_jobs/process_payments.py"]
    subprocess.run(command, env=environment, check=True, timeout=300)
    assert [world.dispositions()[place] for place in sent] == ["UNIQUE", "DUPLICATE", "UNIQUE"]
