"""The whole path over a broker that wants TLS and a login, with the ACLs that the docs name and no others."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.admin import ACLResourcePatternType as PatternType
from kafka.errors import KafkaError

from local_stack.kafka import Broker, ensure_topic
from local_stack.processes import StackError
from simulator.config import SimulationConfig
from simulator.sending.fast_producer import FastProducer
from simulator.sending.simulate import simulate
from spark_jobs.corrections.resend import send
from spark_jobs.driver.run import Run
from spark_jobs.process_payments import drain
from spark_jobs.source.connection import admin_client, read_connection
from spark_jobs.source.ranges import read_ranges
from spark_jobs.source.topic import BrokerUnreachable, TopicReader
from spark_jobs.tables.catalog import INCIDENTS
from tests.integration.command import wait_for
from tests.secured_broker import CANARY, CLIENT, CLIENT_SECRET, STORE_PASSWORD, USERS, SecuredBroker, secured_broker
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough]

type Enter = Callable[[dict[str, str]], None]


@pytest.fixture(scope="module")
def broker(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(home, tmp_path_factory.mktemp("secured")) as started:
        yield started


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Enter:
    """Have every client of this process connect by these variables."""

    def enter(environment: dict[str, str]) -> None:
        for name in [name for name in os.environ if name.startswith("KAFKA_")]:
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return enter


@pytest.fixture
def secured(world: World, broker: SecuredBroker, enter: Enter) -> World:
    """A sandbox whose topic lies on the secured broker; `app` has the documented ACLs."""
    enter(broker.scram_environment("broker"))
    ensure_topic(broker.scram, world.settings.topic, partitions=2)
    allow(broker, world.settings.topic, ACLOperation.READ, ACLOperation.WRITE)
    world.settings = replace(world.settings, bootstrap_servers=broker.scram)
    enter(broker.scram_environment("app"))
    return world


def allow(broker: SecuredBroker, topic: str, *operations: ACLOperation) -> None:
    """Grant `app` operations on a topic; Read and Write imply Describe."""
    _acls(broker, ACLPermissionType.ALLOW, topic, operations)


def forbid(broker: SecuredBroker, topic: str) -> None:
    """Take every right on the topic away: a denial wins over what is allowed."""
    _acls(broker, ACLPermissionType.DENY, topic, (ACLOperation.ALL,))


def _acls(broker: SecuredBroker, permission: ACLPermissionType, topic: str, operations: Iterable[ACLOperation]) -> None:
    pattern = ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL)
    admin = admin_client(broker.scram)
    try:
        admin.create_acls([ACL("User:app", "*", operation, permission, pattern) for operation in operations])
    finally:
        admin.close()


def properties_file(folder: Path, **lines: str) -> dict[str, str]:
    path = folder / "client.properties"
    path.write_text("".join(f"{name.replace('__', '.')}={value}\n" for name, value in lines.items()))
    return {"KAFKA_CLIENT_PROPERTIES": str(path)}


def scram_file(broker: SecuredBroker, folder: Path, password: str = CANARY) -> dict[str, str]:
    login = f'org.apache.kafka.common.security.scram.ScramLoginModule required username="app" password="{password}";'
    return properties_file(
        folder,
        security__protocol="SASL_SSL",
        sasl__mechanism="SCRAM-SHA-512",
        sasl__jaas__config=login,
        ssl__truststore__type="PEM",
        ssl__truststore__location=broker.path("ca.pem"),
    )


def test_the_job_drains_by_scram_from_variables_and_shows_no_secret(
    secured: World, broker: SecuredBroker, home: Path
) -> None:
    manifest = secured.folder / "manifest.jsonl"
    simulate(SimulationConfig(events=200, seed=5), broker.scram, secured.settings.topic, manifest)
    environment = os.environ | secured.settings.environment() | {"PAYMENTS_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", "spark_jobs.process_payments"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(secured.deliveries()) == len(manifest.read_text().splitlines()) - 1
    assert CANARY not in done.stdout + done.stderr
    holding = [path for path in secured.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert holding == []


def test_up_needs_no_more_rights_than_the_stream_and_creates_no_topic_of_somebody_elses_cluster(
    secured: World, broker: SecuredBroker, enter: Enter, home: Path
) -> None:
    kafka = Broker(home, broker.scram)
    kafka.start()
    kafka.provide(secured.settings.topic)
    with pytest.raises(StackError, match="may not read topic 'mistyped'"):
        kafka.provide("mistyped")
    enter(broker.scram_environment("broker"))
    allow(broker, "missing", ACLOperation.READ)
    enter(broker.scram_environment("app"))
    with pytest.raises(StackError, match=r"Topic 'missing' is not at .*create it there, or mend KAFKA_TOPIC_PAYMENTS"):
        kafka.provide("missing")


def test_the_job_drains_by_scram_from_a_properties_file(
    secured: World, broker: SecuredBroker, enter: Enter, tmp_path: Path
) -> None:
    enter(scram_file(broker, tmp_path))
    secured.send([event("by-file")])
    drain(secured.spark, secured.settings)
    assert list(secured.dispositions().values()) == ["UNIQUE"]
    plan = json.dumps(read_connection().java())
    assert CANARY not in plan
    assert str(tmp_path) in plan


def test_the_job_drains_by_client_certificate(secured: World, broker: SecuredBroker, enter: Enter) -> None:
    secured.settings = replace(secured.settings, bootstrap_servers=broker.mtls)
    enter(
        {
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_LOCATION": broker.path("ca.pem"),
            "KAFKA_SSL_CERTIFICATE_LOCATION": broker.path("client.pem"),
            "KAFKA_SSL_KEY_LOCATION": broker.path("client.key"),
        }
    )
    secured.send([event("by-certificate")])
    drain(secured.spark, secured.settings)
    assert list(secured.dispositions().values()) == ["UNIQUE"]


def test_a_pkcs12_store_is_opened_by_every_client(
    secured: World, broker: SecuredBroker, enter: Enter, tmp_path: Path
) -> None:
    secured.settings = replace(secured.settings, bootstrap_servers=broker.mtls)
    enter(
        properties_file(
            tmp_path,
            security__protocol="SSL",
            ssl__truststore__type="PEM",
            ssl__truststore__location=broker.path("ca.pem"),
            ssl__keystore__type="PKCS12",
            ssl__keystore__location=broker.path("client.p12"),
            ssl__keystore__password=STORE_PASSWORD,
        )
    )
    secured.send([event("by-store")])
    drain(secured.spark, secured.settings)
    assert list(secured.dispositions().values()) == ["UNIQUE"]


def test_the_job_drains_by_tokens(secured: World, broker: SecuredBroker, enter: Enter) -> None:
    secured.settings = replace(secured.settings, bootstrap_servers=broker.oauth)
    enter(tokens(broker))
    # A run's own session is given the address at its start; this one began without.
    system = secured.spark._jvm.java.lang.System  # type: ignore[union-attr]
    system.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", broker.token_endpoint)
    login = read_connection().properties["sasl.jaas.config"]
    path = Path(secured.folder) / "oauth.properties"
    path.write_text(
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
        f"sasl.jaas.config={login}\nsasl.oauthbearer.token.endpoint.url={broker.token_endpoint}\n"
        "sasl.login.callback.handler.class="
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n"
        f"ssl.truststore.type=PEM\nssl.truststore.location={broker.path('ca.pem')}\n"
    )
    enter({"KAFKA_CLIENT_PROPERTIES": str(path)})
    secured.send([event("by-token")])
    drain(secured.spark, secured.settings)
    assert list(secured.dispositions().values()) == ["UNIQUE"]


def tokens(broker: SecuredBroker, secret: str = CLIENT_SECRET) -> dict[str, str]:
    return {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_MECHANISM": "OAUTHBEARER",
        "KAFKA_OAUTH_TOKEN_ENDPOINT_URL": broker.token_endpoint,
        "KAFKA_OAUTH_CLIENT_ID": CLIENT,
        "KAFKA_OAUTH_CLIENT_SECRET": secret,
        "KAFKA_OAUTH_SCOPE": "kafka",
        "KAFKA_SSL_CA_LOCATION": broker.path("ca.pem"),
    }


def test_the_readers_and_both_producers_connect_as_the_stream_does(secured: World, broker: SecuredBroker) -> None:
    settings = secured.settings
    with FastProducer(broker.scram, settings.topic) as fast, fast.acknowledging():
        fast.send_all([b"k"], [event("by-librdkafka")])
    row = {"raw_key": b"k", "raw_value": event("resent"), "kafka_partition": 0, "kafka_offset": 7}
    assert list(send(settings, [row])) == [(0, 7)]
    with TopicReader(broker.scram, settings.topic) as reader:
        latest = reader.read().latest
    read = [batch.num_rows for batch in read_ranges(settings, {p: (0, end) for p, end in latest.items() if end})]
    assert sum(read) == sum(latest.values()) == 2


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read_by_the_stream_and_by_the_readers(world: World, codec: str) -> None:
    from spark_jobs.source.connection import producer

    sender = producer(world.settings.bootstrap_servers, compression_type=codec)
    sender.send(world.settings.topic, event(codec), partition=0).get(timeout=30)
    sender.close()
    [batch] = read_ranges(world.settings, {0: (0, 1)})
    assert batch.column("value").to_pylist()[0].startswith(b"{")
    world.drain()
    assert list(world.dispositions().values()) == ["UNIQUE"]


REFUSED: dict[str, tuple[Callable[[SecuredBroker], dict[str, str]], str, str, str]] = {
    "a wrong authority": (
        lambda broker: broker.scram_environment("app") | {"KAFKA_SSL_CA_LOCATION": broker.path("other-ca.pem")},
        "scram",
        "certificate is not trusted",
        "KAFKA_SSL_CA_LOCATION",
    ),
    "a wrong password": (
        lambda broker: broker.scram_environment("app", "wrong"),
        "scram",
        "the login was refused",
        "KAFKA_SASL_PASSWORD",
    ),
    "a user without rights on the topic": (
        lambda broker: broker.scram_environment("nobody"),
        "scram",
        "may not read topic",
        "Describe and Read",
    ),
    "no TLS at all": (lambda _: {}, "scram", "did not answer", "KAFKA_BOOTSTRAP_SERVERS"),
    "no client certificate": (
        lambda broker: {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CA_LOCATION": broker.path("ca.pem")},
        "mtls",
        "TLS handshake failed",
        "KAFKA_SSL_CERTIFICATE_LOCATION",
    ),
    "a wrong client secret": (lambda broker: tokens(broker, "wrong"), "oauth", "refused the client", "HTTP 401"),
    "nobody at the port": (lambda broker: broker.scram_environment("app"), "closed", "did not answer", "start it"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_goes_wrong_is_one_line_that_says_what_to_do(
    secured: World, broker: SecuredBroker, enter: Enter, what: str, tmp_path: Path
) -> None:
    environment, listener, *words = REFUSED[what]
    enter(environment(broker))
    address = "127.0.0.1:1" if listener == "closed" else getattr(broker, listener)
    with pytest.raises(BrokerUnreachable) as refused, TopicReader(address, secured.settings.topic) as reader:
        reader.read()
    message = str(refused.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert not any(secret in message for secret in (*USERS.values(), CLIENT_SECRET, "wrong"))
    # Without TLS the address would be our own broker's; a right on a topic is not needed to start.
    if what not in ("no TLS at all", "a user without rights on the topic"):
        with pytest.raises(StackError) as not_started:
            Broker(tmp_path, address).start()
        assert all(word in str(not_started.value) for word in words), not_started.value


def test_a_right_that_is_taken_away_while_a_run_is_at_work_is_one_line_too(
    secured: World, broker: SecuredBroker, enter: Enter, tmp_path: Path
) -> None:
    enter(scram_file(broker, tmp_path))
    secured.send([event("before")])
    with Run(secured.spark, secured.settings, lambda _: None) as run:
        assert run.drain_once(time.monotonic() + 600)
        secured.send([event("after")])
        enter(broker.scram_environment("broker"))
        forbid(broker, secured.settings.topic)
        enter(scram_file(broker, tmp_path))
        with pytest.raises(
            BrokerUnreachable, match=r"^Kafka at \S+: the user may not read topic .*Describe and Read.*$"
        ):
            run.drain_once(time.monotonic() + 600)


SECOND = "canary-Zq7-second-secret"


def set_password(broker: SecuredBroker, enter: Enter, password: str) -> None:
    """Change the password of `app`, and wait until the broker wants it."""
    from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

    enter(broker.scram_environment("broker"))
    with closing(admin_client(broker.scram)) as admin:
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("app", ScramMechanism.SCRAM_SHA_512, password)]
        )
    enter(broker.scram_environment("app", password))
    wait_for("the broker wants the new password", lambda: is_let_in(broker))


def is_let_in(broker: SecuredBroker) -> bool:
    try:
        admin_client(broker.scram).close()
    except KafkaError:
        return False
    return True


def test_a_password_is_rotated_between_two_runs_and_no_record_is_lost(
    secured: World, broker: SecuredBroker, enter: Enter, tmp_path: Path
) -> None:
    enter(scram_file(broker, tmp_path))
    sent = secured.send([event("by-the-first")])
    drain(secured.spark, secured.settings)
    try:
        set_password(broker, enter, SECOND)
        sent += secured.send([event("while-the-file-is-behind")])
        enter(scram_file(broker, tmp_path))
        with pytest.raises(BrokerUnreachable, match="the login was refused"):
            drain(secured.spark, secured.settings)
        enter(scram_file(broker, tmp_path, SECOND))
        sent += secured.send([event("by-the-second")])
        drain(secured.spark, secured.settings)
    finally:
        set_password(broker, enter, CANARY)
    assert secured.dispositions() == dict.fromkeys(sent, "UNIQUE")
    assert sum(secured.control().end_offsets.values()) == len(sent) == 3
    assert secured.rows(INCIDENTS) == []
