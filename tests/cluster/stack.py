"""The whole platform on machines of their own: brokers, Spark, warehouse, object store, drivers.

Belongs here: which machines there are, and what each is told. Does not belong here: what is done to them (the tests).
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from google.cloud.bigquery import Client

from local_stack.bigquery.emulator import Warehouse
from local_stack.kafka import ensure_topic
from local_stack.sandbox_home import borrow
from spark_jobs.settings import LOCAL_PROJECT, JobSettings, read_job_settings
from spark_jobs.warehouse.client import connect
from tests.architecture.sources import ROOT
from tests.built_tools import NO_OBJECT_STORE, OBJECT_STORE, find
from tests.cluster.brokers import Brokers
from tests.cluster.network import Host, Network, Process, network, why_not
from tests.cluster.object_store_server import command_behind
from tests.cluster.spark_cluster import SparkCluster
from tests.world import World

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WAREHOUSE_PORT, STORE_PORT = 9050, 4443
BUCKET = "payments"
PARTITIONS = 4


def missing() -> str | None:
    """What such a stack lacks here, in one line; None where nothing."""
    return why_not() or (None if find(OBJECT_STORE) else NO_OBJECT_STORE)


@dataclass
class Cluster:
    """The machines, and the job's settings as drivers have them."""

    network: Network
    brokers: Brokers
    spark: SparkCluster
    store: Host
    warehouse: Host
    settings: JobSettings
    delay_ms: float = 0
    _store: Process | None = None

    @property
    def store_url(self) -> str:
        return f"http://{self.store.address}:{STORE_PORT}"

    def keep_objects(self) -> None:
        """Start what keeps the objects."""
        binary = find(OBJECT_STORE)
        assert binary
        self.store.start("objects", command_behind(str(binary), self.store_url))

    def start_store(self) -> None:
        """The object store as its clients see it."""
        command = [sys.executable, "-m", "tests.cluster.object_store_server", self.store.address, str(STORE_PORT)]
        options = [BUCKET, "--delay-ms", str(self.delay_ms)]
        self._store = self.store.start("store", [*command, *options], {"PYTHONPATH": str(ROOT)})
        self._store.until(lambda: self.store.answers(STORE_PORT))

    def kill_store(self) -> None:
        """Whoever asks it is cut off; what it keeps stays, as an object store's service promises."""
        assert self._store
        self._store.kill()

    def requests(self) -> list[tuple[float, str, str, int]]:
        """What the object store was asked: milliseconds since 1970, method, path, status."""
        assert self._store
        found = re.findall(r"^(\d+) ([A-Z]+) (\S+) (\d+)$", self._store.output(), re.MULTILINE)
        return [(float(at), method, path, int(status)) for at, method, path, status in found]

    def start_warehouse(self) -> None:
        command = [sys.executable, "-m", "tests.cluster.warehouse_server", self.warehouse.address, str(WAREHOUSE_PORT)]
        env = {"PAYMENTS_HOME": str(self.warehouse.here), "STORAGE_EMULATOR_HOST": self.store_url}
        started = self.warehouse.start("warehouse", command, env | {"PYTHONPATH": str(ROOT)})
        started.until(lambda: self.warehouse.answers(WAREHOUSE_PORT))

    def warehouse_pid(self) -> int:
        """Of the server itself, which is started again where it dies."""
        pid = Warehouse(self.warehouse.folder, self.settings.emulator_host or "", self.settings.project).pid()
        assert pid
        return pid

    def driver(self, name: str) -> "Driver":
        """One more machine, for a driver whose executors are on the workers."""
        return Driver(self, self.network.host(name), self.spark.conf())

    def lone_driver(self, name: str) -> "Driver":
        """One more machine, for a driver that computes by itself, as the chart's default has it."""
        return Driver(self, self.network.host(name), "spark.master local[2]\n")

    def world(self, folder: Path, client: Client) -> World:
        """What tests ask, from this machine; they have no session of their own."""
        return World(self.settings, cast("SparkSession", None), folder, client)


@dataclass
class Driver:
    """A machine on which the job's driver runs."""

    cluster: Cluster
    host: Host
    spark_conf: str

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, name: str = "driver", **changes: Any
    ) -> Process:
        """A Python module there, with the job's settings; `changes` are settings that differ for it."""
        if not (self.host.folder / "jars").exists():
            borrow(self.host.folder)
            (self.host.folder / "spark.conf").write_text(self.spark_conf)
        settings = replace(self.cluster.settings, spark_driver_host=self.host.address, **changes)
        settings = replace(settings, spark_bind_address=self.host.address)
        given = {
            **settings.environment(),
            "PAYMENTS_SPARK_CONF": str(self.host.here / "spark.conf"),
            "PAYMENTS_HOME": str(self.host.here),
            "STORAGE_EMULATOR_HOST": self.cluster.store_url,
            "SPARK_LOCAL_IP": self.host.address,
            "PYTHONPATH": str(ROOT),
            **{name: os.environ[name] for name in ("JDK_JAVA_OPTIONS", "JAVA_HOME") if name in os.environ},
        }
        return self.host.start(name, [sys.executable, "-m", *command], given | dict(env or {}))


@contextmanager
def cluster(folder: Path, workers: int = 2, delay_ms: float = 0) -> Iterator[Cluster]:
    """All but a driver, up."""
    with network(folder) as net:
        store, warehouse = net.host("store"), net.host("warehouse")
        brokers = Brokers([net.host(f"broker{number}") for number in (1, 2, 3)])
        spark = SparkCluster(net.host("master"), [net.host(f"worker{number}") for number in range(1, workers + 1)])
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": brokers.bootstrap_servers,
            "BIGQUERY_EMULATOR_HOST": f"http://{warehouse.address}:{WAREHOUSE_PORT}",
            "BIGQUERY_PROJECT": LOCAL_PROJECT,
            "CHECKPOINT_LOCATION": f"gs://{BUCKET}/checkpoints",
            "STAGING_LOCATION": f"gs://{BUCKET}/staging",
            "PAYMENTS_STATE_BUCKETS": str(max(1, workers)),
        }
        made = Cluster(net, brokers, spark, store, warehouse, read_job_settings(environment), delay_ms)
        borrow(warehouse.folder)
        made.keep_objects()
        made.start_store()
        made.start_warehouse()
        brokers.start()
        spark.start()
        ensure_topic(brokers.bootstrap_servers, made.settings.topic, partitions=PARTITIONS)
        yield made


@contextmanager
def client_of(made: Cluster) -> Iterator[Client]:
    with connect(made.settings) as client:
        yield client


def living(processes: Sequence[Process]) -> list[Process]:
    return [process for process in processes if process.lives()]
