"""Three brokers on three machines: every record is on all of them, and acknowledged once two have it.

Belongs here: their files and their start. Does not belong here: what is sent.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from local_stack.java import find_java
from spark_jobs.settings import payments_home
from tests.cluster.network import Host, Process, Word

PORT, _CONTROLLER_PORT = 9092, 9093
_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xmx320m",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)


class Brokers:
    """A cluster of brokers, one on each host."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.hosts = hosts
        self.bootstrap_servers = ",".join(f"{host.address}:{PORT}" for host in hosts)
        self._cluster_id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        self._voters = ",".join(f"{n}@{host.address}:{_CONTROLLER_PORT}" for n, host in enumerate(hosts, 1))
        self._running: dict[str, Process] = {}

    def start(self) -> None:
        """All of them, and wait until each answers."""
        for number, host in enumerate(self.hosts, 1):
            properties = host.folder / "server.properties"
            properties.write_text(_properties(number, host, self._voters))
            self._format(host)
            self.start_one(host)
        for host in self.hosts:
            self._running[host.name].until(partial(host.answers, PORT))

    def start_one(self, host: Host) -> None:
        """One that does not run."""
        command: list[Word] = [*_java(), "kafka.Kafka", host.here / "server.properties"]
        self._running[host.name] = host.start("broker", command)

    def kill(self, host: Host) -> None:
        """One, by SIGKILL."""
        self._running[host.name].kill()

    def _format(self, host: Host) -> None:
        tool = [*_java(), "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        options: list[Word] = [f"--cluster-id={self._cluster_id}", "--config", host.here / "server.properties"]
        done = host.start("format", [*tool, *options])
        assert done.end() == 0, done.output()[-2000:]


def _java() -> list[str]:
    home = payments_home()
    return [find_java(home), *_FLAGS, "-cp", f"{(home / 'jars' / 'broker').resolve()}/*"]


def _properties(number: int, host: Host, voters: str) -> str:
    data: Path = host.here / "data"
    settings = {
        "process.roles": "broker,controller",
        "node.id": number,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{host.address}:{PORT},CONTROLLER://{host.address}:{_CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{host.address}:{PORT}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
        "default.replication.factor": len(voters.split(",")),
        "min.insync.replicas": 2,
        "broker.session.timeout.ms": 4_000,
        "broker.heartbeat.interval.ms": 1_000,
        "replica.lag.time.max.ms": 5_000,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 3,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 3,
        "transaction.state.log.min.isr": 2,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 3,
        "share.coordinator.state.topic.min.isr": 2,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
