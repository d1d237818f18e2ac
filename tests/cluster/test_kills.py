"""One of each is killed under load: a worker, a broker, the object store, the warehouse, the driver."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spark_jobs.incidents import IncidentKind
from spark_jobs.tables import catalog
from spark_jobs.warehouse.client import run
from spark_jobs.warehouse.table_setup import table_id
from tests.cluster.load import Processor, load, outcome_of
from tests.cluster.stack import Cluster, client_of, cluster

pytestmark = pytest.mark.long


def test_whoever_is_killed_under_load_nothing_is_lost_doubled_or_misclassified(tmp_path: Path) -> None:
    with cluster(tmp_path / "cluster") as made, client_of(made) as client:
        processor = Processor(made, made.driver("driver"))
        manifest = tmp_path / "manifest.jsonl"
        with load(made, manifest):
            processor.publishes(client)
            for name, kill, start_again in victims(made, processor):
                kill()
                start_again()
                sys.stderr.write(f"{name}: {processor.publishes(client):.1f} s, {processor.starts} starts\n")
        outcome = outcome_of(made, client, processor, manifest)
        assert outcome.is_exact, outcome
        rows = run(client, f"select distinct kind from `{table_id(made.settings, catalog.INCIDENTS)}`", {})
        # A warehouse that was killed may be told of; nothing else has any reason to be.
        assert {row["kind"] for row in rows} <= {IncidentKind.WAREHOUSE_FAILED, IncidentKind.LOAD_FAILED}
        assert not [asked for asked in made.requests() if asked[3] == 403]


def victims(made: Cluster, processor: Processor) -> list[tuple[str, Callable[[], None], Callable[[], None]]]:
    """Who dies, how, and who starts again what nobody else does."""
    worker, broker = made.spark.workers[0], made.brokers.hosts[0]
    return [
        ("worker", lambda: made.spark.kill(worker), lambda: made.spark.start_worker(worker)),
        ("broker", lambda: made.brokers.kill(broker), lambda: made.brokers.start_one(broker)),
        ("object store", made.kill_store, made.start_store),
        ("warehouse", lambda: os.kill(made.warehouse_pid(), signal.SIGKILL), lambda: None),
        ("driver", processor.kill, processor.look),
    ]
