"""One of each is killed under load: worker, broker, object store, warehouse, driver; daemon, code server, database."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from google.cloud.bigquery import Client

from orchestration.names import PROCESS_JOB
from spark_jobs.incidents import IncidentKind
from spark_jobs.tables import catalog
from spark_jobs.tables.names import table_id
from spark_jobs.warehouse.client import run
from tests.cluster.dagster_parts import DagsterParts, dagster_parts, database_binaries
from tests.cluster.load import Processor, Publisher, load, next_batch, outcome_of
from tests.cluster.stack import Cluster, client_of, cluster

pytestmark = pytest.mark.long

type Victim = tuple[str, Callable[[], None], Callable[[], None]]
"""Who dies, how, and who starts again what nobody else does."""

SHIFT_SECONDS = 20
"""Of a run that Dagster starts: soon the next one is due, which nobody starts where a part of Dagster is away."""


def test_whoever_is_killed_under_load_nothing_is_lost_doubled_or_misclassified(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster") as made, client_of(made) as client:
        processor = Processor(made, made.driver("driver"))
        # A warehouse that was killed may be told of; nothing else has any reason to be.
        given = {IncidentKind.WAREHOUSE_FAILED, IncidentKind.LOAD_FAILED}
        survives(made, client, processor, victims(made, processor), tmp_path / "manifest.jsonl", given)


FAILED_RUNS = {"daemon": 0, "code server": 1, "database": 1}
"""So many runs may fail at most: those that die with the part."""


@pytest.mark.parametrize("part", FAILED_RUNS)
def test_whatever_part_of_dagster_is_killed_under_load_the_next_run_publishes_and_nothing_is_lost_or_doubled(
    part: str, tmp_path: Path
) -> None:
    if database_binaries() is None:
        pytest.skip("PostgreSQL is missing: install Debian's postgresql")
    with cluster(tmp_path / "cluster") as made, client_of(made) as client:
        dagster = dagster_parts(made, SHIFT_SECONDS)
        dagster.start()
        killed = [victim for victim in parts_of(dagster) if victim[0] == part]
        survives(made, client, dagster, killed, tmp_path / "manifest.jsonl", set(), by_another_run=True)
        assert dagster.is_loaded(), dagster.output()
        assert dagster.runs().count((PROCESS_JOB, "FAILURE")) <= FAILED_RUNS[part], dagster.output()


def survives(
    made: Cluster,
    client: Client,
    publisher: Publisher,
    victims: list[Victim],
    manifest: Path,
    given: set[IncidentKind],
    *,
    by_another_run: bool = False,
) -> None:
    """Each dies once, is started again, and records are published after it; at the end each is in once."""
    with load(made, manifest):
        next_batch(client, made, publisher)
        for name, kill, start_again in victims:
            kill()
            start_again()
            seconds = next_batch(client, made, publisher, by_another_run=by_another_run)
            sys.stderr.write(f"{name}: {seconds:.1f} s\n")
    outcome = outcome_of(made, client, publisher, manifest)
    assert outcome.is_exact, outcome
    rows = run(client, f"select distinct kind from `{table_id(made.settings, catalog.INCIDENTS)}`", {})
    assert {row["kind"] for row in rows} <= given
    assert not [asked for asked in made.requests() if asked[3] == 403]


def victims(made: Cluster, processor: Processor) -> list[Victim]:
    worker, broker = made.spark.workers[0], made.brokers.hosts[0]
    return [
        ("worker", lambda: made.spark.kill(worker), lambda: made.spark.start_worker(worker)),
        ("broker", lambda: made.brokers.kill(broker), lambda: made.brokers.start_one(broker)),
        ("object store", made.kill_store, made.start_store),
        ("warehouse", lambda: os.kill(made.warehouse_pid(), signal.SIGKILL), lambda: None),
        ("driver", processor.kill, processor.look),
    ]


def parts_of(dagster: DagsterParts) -> list[Victim]:
    """The code server's machine dies with the run that is at work."""
    return [
        ("daemon", dagster.daemon.host.kill, dagster.start_daemon),
        ("code server", dagster.code.host.kill, dagster.start_code),
        ("database", dagster.database.kill, dagster.start_database),
    ]
