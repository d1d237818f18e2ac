"""The embedded Kafka: one real broker, KRaft, in one JVM, from the jars that `make setup` fetched.

Belongs here: the broker's files, its start and stop, creating a topic. Does not belong here: producing or reading.
"""

import os
import re
import secrets
import socket
import struct
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.java import find_java
from local_stack.processes import Daemon, StackError, free_port, is_loopback, is_port_free
from spark_jobs.source.connection import admin_client, read_connection
from spark_jobs.source.refusals import why
from spark_jobs.source.tokens.oauth import TokenRefused

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

DEFAULT_HEAP = "512m"
_HEAP = re.compile(r"[1-9][0-9]*[mMgG]")
_CONTROLLER_PORT = re.compile(r"^controller\.quorum\.voters=1@\S+:(\d+)$", re.MULTILINE)
DEFAULT_RETENTION_HOURS = "168"
_RETENTION_HOURS = re.compile(r"[1-9][0-9]{0,4}")
_SEGMENT_BYTES = 128 * 2**20
_ROLL_HOURS = 24
"""A segment goes as a whole, when its newest record is too old: of large ones much more would be kept."""

_ANSWER_SECONDS = 2.0
_DESCRIBE_CLUSTER = struct.pack(">ihhihxxx", 13, 60, 0, 1, -1)
"""Size, api 60 of version 0, correlation id 1, no client name, then empty tags, one false, empty tags."""

_JVM_FLAGS = (
    "-XX:+UseSerialGC",  # Least memory and the quickest start; pauses of a 512 MB heap are short.
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX",
)


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker at `bootstrap_servers`. Where that is not one loopback address, it is somebody else's to run."""

    home: Path
    bootstrap_servers: str

    @property
    def is_local(self) -> bool:
        """Whether the local stack is the one to run it: at one loopback address, and without TLS or a login."""
        return "," not in self.bootstrap_servers and is_loopback(self._address[0]) and not read_connection().is_secured

    @property
    def log_file(self) -> Path:
        """What the broker prints."""
        return self._daemon.log_file

    def pid(self) -> int | None:
        """The broker's pid while the local stack's own lives."""
        return self._daemon.pid()

    def elsewhere(self) -> str | None:
        """The address of the local stack's own, where it lives at another than ours."""
        return self._daemon.elsewhere()

    def is_up(self) -> bool:
        """Whether it answers, and, where it is ours to run, whether it is our cluster that answers."""
        if read_connection().is_secured:
            return _refusal(self.bootstrap_servers) is None
        cluster_id = _answering_cluster(self.bootstrap_servers)
        if not self.is_local:
            return cluster_id is not None
        return self.pid() is not None and cluster_id == self._kept_cluster_id()

    def trouble(self) -> str | None:
        """Why it does not let us in, in one sentence with what to do; None where it does."""
        if not self.is_local:
            return _refusal(self.bootstrap_servers)
        return None if self.is_up() else "it is not up: run `payments up --no-ui` first."

    def start(self, timeout_seconds: float = 60) -> None:
        """Return once the broker answers; start it where it is ours and not up.

        Raises:
            StackError: no Java, no jars, port taken, it died, lives elsewhere, or an external cluster does not answer.
        """
        if not self.is_local:
            if trouble := self.trouble():
                raise StackError(f"Kafka at {self.bootstrap_servers}, which is not ours to start: {trouble}")
            return
        self._daemon.ensure(self._launch, self.is_up, timeout_seconds)

    def provide(self, topic: str) -> None:
        """Have the topic: created where the broker is ours, and only looked for where it is somebody else's.

        Raises:
            StackError: it cannot be created, or is not there.
        """
        if self.is_local:
            ensure_topic(self.bootstrap_servers, topic)
        else:
            require_topic(self.bootstrap_servers, topic)

    def stop(self) -> None:
        """Stop our broker; nothing happens where none runs, or where the cluster is external."""
        with self._daemon.locked():
            self._daemon.stop()

    @property
    def _daemon(self) -> Daemon:
        at = self.bootstrap_servers.replace("localhost", "127.0.0.1")
        return Daemon("kafka", self.home, setting="KAFKA_BOOTSTRAP_SERVERS", value=at)

    @property
    def _folder(self) -> Path:
        return self.home / "kafka"

    @property
    def _address(self) -> tuple[str, int]:
        """Host and port of the first server; `localhost` is 127.0.0.1, so that client and server agree."""
        host, _, port = self.bootstrap_servers.split(",")[0].rpartition(":")
        if not port.isdecimal() or not 0 < int(port) < 65_536:
            raise StackError(
                f"KAFKA_BOOTSTRAP_SERVERS must be host:port[,host:port...], not {self.bootstrap_servers!r}."
            )
        return ("127.0.0.1" if host == "localhost" else host), int(port)

    def _launch(self) -> None:
        host, port = self._address
        if not is_port_free(host, port):
            raise StackError(
                f"Port {port} of {host} is taken by another program: "
                "set KAFKA_BOOTSTRAP_SERVERS to a free one, such as 127.0.0.1:9192."
            )
        java = _java(self.home)
        retention = os.environ.get("PAYMENTS_KAFKA_RETENTION_HOURS") or DEFAULT_RETENTION_HOURS
        if not _RETENTION_HOURS.fullmatch(retention):
            raise StackError(f"PAYMENTS_KAFKA_RETENTION_HOURS must be hours, such as 168, not {retention!r}.")
        properties = self._write_properties(int(retention))
        if not (self._folder / "data" / "meta.properties").exists():
            self._format(java, properties)
        heap = os.environ.get("PAYMENTS_KAFKA_HEAP") or DEFAULT_HEAP
        if not _HEAP.fullmatch(heap):
            raise StackError(f"PAYMENTS_KAFKA_HEAP must be a size such as 512m or 2g, not {heap!r}.")
        self._daemon.spawn([*java, f"-Xmx{heap}", *_JVM_FLAGS, "kafka.Kafka", properties])

    def _write_properties(self, retention_hours: int = int(DEFAULT_RETENTION_HOURS)) -> Path:
        path = self._folder / "server.properties"
        host, port = self._address
        kept = _CONTROLLER_PORT.search(path.read_text()) if path.exists() else None
        controller_port = int(kept[1]) if kept else free_port(host)
        if controller_port == port or not is_port_free(host, controller_port):
            controller_port = free_port(host)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(server_properties(host, port, controller_port, self._folder / "data", retention_hours))
        return path

    def _format(self, java: list[str], properties: Path) -> None:
        cluster_id = self._kept_cluster_id() or urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        (self._folder / "cluster.id").write_text(cluster_id)
        tool = [*java, *_JVM_FLAGS, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
        done = subprocess.run(
            [*tool, f"--cluster-id={cluster_id}", "--config", str(properties)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
            raise StackError(f"Kafka's storage in {self._folder} cannot be formatted: {last}")

    def _kept_cluster_id(self) -> str | None:
        path = self._folder / "cluster.id"
        return path.read_text().strip() if path.exists() else None


def server_properties(
    host: str, port: int, controller_port: int, data: Path, retention_hours: int = int(DEFAULT_RETENTION_HOURS)
) -> str:
    """The broker's configuration: a cluster of one, reachable from this machine only."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{host}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{host}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "log.retention.hours": retention_hours,
        "log.segment.bytes": _SEGMENT_BYTES,
        "log.roll.hours": min(_ROLL_HOURS, retention_hours),
        # After a kill, the new broker waits until the old one's session is over.
        "broker.session.timeout.ms": 4_000,
        "broker.heartbeat.interval.ms": 1_000,
        # The cleaner's own default would take a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def require_topic(bootstrap_servers: str, topic: str) -> None:
    """Make sure that somebody else's cluster has the topic. It takes the right to describe it, and no other.

    Raises:
        StackError: the cluster cannot be reached or refuses, or there is no such topic.
    """
    with _admin(bootstrap_servers, topic, "cannot be looked at") as admin:
        if not _is_there(admin, topic):
            raise StackError(
                f"Topic {topic!r} is not at {bootstrap_servers}: create it there, or mend KAFKA_TOPIC_PAYMENTS. "
                "A topic is created only on the local stack's own broker."
            )


def ensure_topic(bootstrap_servers: str, topic: str, partitions: int = 4) -> None:
    """Create `topic` where it is missing, and return once every partition has a leader. Idempotent.

    Records get the broker's own clock as their timestamp: what the contract says about the future holds against that,
    whatever a sender's clock says.

    Raises:
        StackError: the cluster cannot be reached or refuses.
    """
    from kafka.errors import TopicAlreadyExistsError

    configs = {"message.timestamp.type": "LogAppendTime"}
    with _admin(bootstrap_servers, topic, "cannot be created") as admin:
        if _is_there(admin, topic):
            return
        with suppress(TopicAlreadyExistsError):
            admin.create_topics({topic: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True)


@contextmanager
def _admin(bootstrap_servers: str, topic: str, what: str) -> Iterator["KafkaAdminClient"]:
    """A client for questions about a topic; what Kafka refuses is a StackError."""
    from kafka.errors import KafkaError

    try:
        admin = admin_client(bootstrap_servers)
        try:
            yield admin
        finally:
            admin.close()
    except (KafkaError, TokenRefused) as error:
        raise StackError(
            f"Topic {topic!r} {what} at {bootstrap_servers}: {why(error, bootstrap_servers, topic)}"
        ) from error


def _is_there(admin: "KafkaAdminClient", topic: str) -> bool:
    """Whether the topic exists. Raises KafkaError where the cluster does not tell, as without the right to describe."""
    from kafka.errors import UnknownTopicOrPartitionError, for_code

    [described] = admin.describe_topics([topic])
    code: int = described["error_code"]
    if code not in (0, UnknownTopicOrPartitionError.errno):
        raise for_code(code)()
    return code == 0


def _refusal(bootstrap_servers: str) -> str | None:
    """Why the cluster does not let us in; None where it does."""
    from kafka.errors import KafkaError

    try:
        admin_client(bootstrap_servers).close()
    except (KafkaError, TokenRefused) as error:
        return why(error, bootstrap_servers)
    return None


def _answering_cluster(bootstrap_servers: str) -> str | None:
    """Id of the cluster that answers there with a broker ready for work; None where none does."""
    for server in bootstrap_servers.split(","):
        host, _, port = server.rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS) as connection:
                connection.sendall(_DESCRIBE_CLUSTER)
                with connection.makefile("rb") as stream:
                    (size,) = struct.unpack(">i", stream.read(4))
                    cluster_id, brokers = parse_cluster(stream.read(size))
        except (OSError, struct.error, IndexError):
            continue
        if brokers:
            return cluster_id
    return None


def parse_cluster(answer: bytes) -> tuple[str, int]:
    """Cluster id and number of live brokers, from the body of a DescribeCluster answer of version 0.

    That is: correlation id and tags (5 bytes), throttle time (4), error (2), then message, id, controller id (4) and
    brokers; lengths count from one. Lengths here are below 127, so each is one byte.
    """
    message_end = 11 + max(answer[11], 1)
    id_end = message_end + answer[message_end]
    return answer[message_end + 1 : id_end].decode(errors="replace"), max(answer[id_end + 4] - 1, 0)


def _java(home: Path) -> list[str]:
    jars = home / "jars" / "broker"
    if not any(jars.glob("kafka_*.jar")):
        raise StackError(f"Kafka's jars are not in {jars}: run `make setup`.")
    return [find_java(home), "-cp", f"{jars}/*"]
