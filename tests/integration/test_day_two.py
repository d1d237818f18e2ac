"""Day two, as its page tells it: the page's commands are run here, on data that are lost for it."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud import bigquery
from kafka import TopicPartition

from handbook import markdown
from handbook.links import ROOT
from orchestration.dashboard import gathering, statements
from spark_jobs.corrections.kept_records import Selection
from spark_jobs.corrections.late_payments import decide_late
from spark_jobs.incidents import Incident, IncidentKind
from spark_jobs.sealing.seal_days import seal_days
from spark_jobs.source.connection import admin_client
from spark_jobs.tables import catalog
from spark_jobs.tables.correction_kinds import Correction
from spark_jobs.tables.names import dataset_of, layer_of
from spark_jobs.warehouse.job_labels import DBT_WORK, WORK_LABEL
from spark_jobs.warehouse.table_setup import ensure_tables
from tests.cloud_permissions import needed_of_sql
from tests.faults.exactly_once import assert_exactly_once, send, send_some
from tests.faults.oracle import Oracle
from tests.integration.command import Command
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

PAGE = (ROOT / "docs" / "day-two.md").read_text(encoding="utf-8")


@pytest.fixture
def command(world: World, environment: dict[str, str]) -> Command:
    env = dict(os.environ) | environment | world.settings.environment() | {"DBT_TARGET": "local"}
    return Command(world.folder, env)


def run_block(name: str, command: Command, instead: dict[str, Callable[[], object]] | None = None) -> str:
    """Run the page's block of that name, line by line. A cold run of Spark is done by this process `instead`."""
    [block] = [block for block in markdown.blocks(PAGE) if block.comment == f"drill: {name}"]
    printed = ""
    for line in block.lines:
        words = line.partition("#")[0].split()
        assert words[0] == "payments", line
        other = (instead or {}).get(" ".join(words))
        printed += f"{other() or ''}" if other else command.succeed(*words[1:])
    return printed


def copy_tables(world: World, source: str, target: str) -> None:
    """Every table of the product, as somebody copies them who does not know the product."""
    config = bigquery.CopyJobConfig(write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE)
    project = world.settings.project
    world.client.create_dataset(f"{project}.{target}", exists_ok=True)
    for table in catalog.TABLES:
        place, copy = (f"{project}.{dataset}.{table.name}" for dataset in (source, target))
        world.client.copy_table(place, copy, job_config=config).result()


def incidents(world: World) -> list[str]:
    return [row["kind"] for row in world.rows(catalog.INCIDENTS)]


def test_the_drill_brings_a_lost_dataset_back_and_every_payment_is_counted_once(world: World, command: Command) -> None:
    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    point = world.control()
    made = run_block("back up", command)
    assert f"batch {point.last_batch_id}, offsets {point.end_offsets}" in made
    for _ in range(2):
        send_some(world, oracle)
        world.drain()
    lost = world.control()
    dataset = f"{world.settings.project}.{world.settings.dataset}"
    world.client.delete_dataset(dataset, delete_contents=True)

    began = time.monotonic()
    printed = run_block("restore", command, {"payments process": world.drain})
    seconds = time.monotonic() - began
    assert "no control row" in printed
    assert "Proved: every rule holds." in printed
    assert "Nothing waits in Kafka." in printed
    assert_exactly_once(world, oracle)
    after = world.control()
    assert after.end_offsets == lost.end_offsets
    # The checkpoint knew payments that the dataset had lost.
    assert incidents(world) == [IncidentKind.CHECKPOINT_UNUSABLE]
    since = sum(lost.end_offsets.values()) - sum(point.end_offsets.values())
    sys.stdout.write(f"RTO {seconds:.1f} s, until `payments verify` was green; RPO 0 of {since} records\n")


def test_a_backup_that_is_none_or_not_of_one_moment_is_refused(world: World, command: Command) -> None:
    world.send([event("one")])
    world.drain()
    name = f"{world.settings.dataset}_backup"
    assert "no backup" in command.run("restore", name).stderr
    copy_tables(world, world.settings.dataset, name)
    assert "To do it" in command.succeed("restore", name)
    assert "takes a new name" in command.run("backup", name).stderr
    world.ask(f"update `{world.settings.project}.{name}.{catalog.CONTROL.name}` set last_batch_id = 5 where true")
    refused = command.run("restore", name, "--yes")
    assert refused.returncode == 1
    [line] = refused.stderr.splitlines()
    assert "not of one moment" in line
    assert world.control().last_batch_id == 1


@pytest.mark.long
def test_a_run_at_work_is_fenced_off_by_a_restore(world: World, command: Command) -> None:
    from spark_jobs.driver.run import Run

    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    name = f"{world.settings.dataset}_backup"
    command.succeed("backup", name)
    with Run(world.spark, world.settings, lambda _: None) as at_work:
        send_some(world, oracle)
        command.succeed("restore", name, "--yes")
        with pytest.raises(Incident) as fenced:
            at_work.drain_once(deadline=float("inf"))
    assert fenced.value.kind is IncidentKind.FENCED
    world.drain()
    assert_exactly_once(world, oracle)


@pytest.mark.long
def test_dataset_and_checkpoint_of_one_moment_take_no_job_of_after_it_for_their_own(world: World) -> None:
    """Epoch, generation and batch come a second time, and the warehouse still knows the jobs of the first."""
    dataset, checkpoints = world.settings.dataset, world.folder / "checkpoints"
    world.send([event("one")])
    world.drain()
    copy_tables(world, dataset, f"{dataset}_copy")
    shutil.copytree(checkpoints, world.folder / "copy")
    sent = world.send([event("two")])
    world.drain()
    gone = world.control()

    copy_tables(world, f"{dataset}_copy", dataset)
    shutil.rmtree(checkpoints)
    shutil.copytree(world.folder / "copy", checkpoints)
    world.drain()
    again = world.control()
    assert (again.epoch, again.generation) == (gone.epoch, gone.generation)
    assert world.dispositions()[sent[0]] == "UNIQUE"
    assert len(world.rows(catalog.TRANSACTIONS)) == 2


def test_where_the_topic_has_lost_what_came_after_the_backup_the_run_stops_and_names_the_offsets(world: World) -> None:
    dataset = world.settings.dataset
    world.send([event("one")])
    world.drain()
    copy_tables(world, dataset, f"{dataset}_copy")
    [(partition, offset)] = world.send([event("two")])
    world.send([event("three")])
    world.drain()
    with closing(admin_client(world.settings.bootstrap_servers)) as admin:
        admin.delete_records({TopicPartition(world.settings.topic, partition): offset + 1})
    copy_tables(world, f"{dataset}_copy", dataset)
    with pytest.raises(Incident) as stopped:
        world.drain()
    assert stopped.value.kind is IncidentKind.OFFSETS_LOST
    assert stopped.value.ranges == {partition: (offset, offset + 1)}
    assert incidents(world) == [IncidentKind.OFFSETS_LOST]
    assert len(world.rows(catalog.TRANSACTIONS)) == 1


@pytest.mark.long
def test_an_upgrade_of_spark_under_traffic_rebuilds_the_checkpoint_and_counts_every_payment_once(
    world: World, command: Command
) -> None:
    oracle = Oracle()
    send_some(world, oracle)
    with pytest.MonkeyPatch.context() as older:
        older.setattr("spark_jobs.driver.checkpoint.spark_version", lambda: "3.5.0")
        world.drain()
    send_some(world, oracle)
    assert "There is nothing to do." in run_block("upgrade", command)
    world.drain()
    assert_exactly_once(world, oracle)
    [incident] = world.rows(catalog.INCIDENTS)
    assert (incident["kind"], "Spark 3.5.0" in incident["detail"]) == (IncidentKind.CHECKPOINT_UNUSABLE, True)


@pytest.mark.long
def test_a_dataset_that_is_split_is_gone_on_with_and_nothing_lies_outside_its_layer(
    world: World, command: Command
) -> None:
    oracle, one, project = Oracle(), world.settings.dataset, world.settings.project
    # A day that can be sealed. It is not among the last three: they are sent again, and it would be LATE then.
    send(world, oracle, [event("older", 3 * 24 * 60), *(event(f"first-{number}") for number in range(3))])
    world.drain()
    send_some(world, oracle)
    world.drain()
    world.client.delete_dataset(f"{project}.payment_data_20261129", delete_contents=True, not_found_ok=True)
    run_block("back up", command)
    with pytest.raises(Incident, match="payment_deliveries is in"):
        ensure_tables(world.client, replace(world.settings, raw_dataset=f"{one}_raw"))
    world.settings = replace(
        world.settings, raw_dataset=f"{one}_raw", dataset=f"{one}_ours", marts_dataset=f"{one}_marts"
    )
    client, settings = world.client, world.settings
    split = command.but(**settings.environment())
    send_some(world, oracle)
    assert "Proved: every rule holds." in run_block("split", split, {"payments process": world.drain})
    assert_exactly_once(world, oracle)

    world.send([event("late", 300), event("gone", sender_account_id="leaver")])
    world.drain()
    who = {"decided_by": "ann", "reason": "checked"}
    assert decide_late(client, settings, Selection(), Correction.ADMITTED_LATE, **who)
    assert list(seal_days(client, settings, "ann", datetime.now(UTC) + timedelta(days=1)))
    began = datetime.now(UTC)
    split.succeed("build")
    assert gathering.ask_one(split.settings, statements.HEALTH).rows
    erased = split.succeed("erase", "leaver", "--yes", "--reason", "asked")
    assert "1 deliveries" in erased
    assert "\n0 rows of its payments" not in erased
    for proof in (("verify", "--full"), ("audit", "--all"), ("seal", "--check")):
        split.succeed(*proof)
    split.succeed("backup", f"{one}_again")

    listed = {(name, item.table_id) for name in settings.datasets for item in client.list_tables(f"{project}.{name}")}
    assert [at for at in listed if f"{project}.{at[0]}" != dataset_of(settings, layer_of(at[1]))] == []
    assert {name for _, name in listed} > {table.name for table in catalog.TABLES} | {"pipeline_health"}
    jobs = [job for job in client.list_jobs(min_creation_time=began) if job.labels.get(WORK_LABEL) in DBT_WORK]
    needs = [each for job in jobs for each in needed_of_sql(getattr(job, "query", "")).items()]
    assert {at for at, permissions in needs if permissions > {"bigquery.tables.getData"}} == {settings.marts_dataset}
    assert {at for at, _ in needs} == set(settings.datasets)
    for name in (*settings.datasets, f"{one}_again"):
        client.delete_dataset(f"{project}.{name}", delete_contents=True)


@pytest.mark.long
def test_a_dataset_that_was_copied_elsewhere_is_gone_on_with(world: World, command: Command) -> None:
    oracle = Oracle()
    send_some(world, oracle)
    world.drain()
    moved = f"{world.settings.dataset}_moved"
    copy_tables(world, world.settings.dataset, moved)
    world.settings = replace(world.settings, dataset=moved)
    send_some(world, oracle)
    printed = run_block("move", command.but(BIGQUERY_DATASET=moved), {"payments process": world.drain})
    assert "Proved: every rule holds." in printed
    assert_exactly_once(world, oracle)
