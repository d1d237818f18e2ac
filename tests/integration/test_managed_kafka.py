"""Google's Managed Kafka by the properties file of its documents: every client logs in as Google's own handler does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.admin import ACLResourcePatternType as PatternType

from local_stack.kafka import ensure_topic
from simulator.sending.fast_producer import FastProducer
from spark_jobs.source.connection import admin_client
from spark_jobs.source.tokens.google_tokens import HANDLER
from spark_jobs.source.topic import BrokerUnreachable, TopicReader
from tests.google_kafka import ACCESS_TOKEN, ACCOUNT, Google, decoded, google
from tests.secured_broker import SecuredBroker, secured_broker
from tests.world import World, event

pytestmark = [pytest.mark.integration, pytest.mark.thorough, pytest.mark.long]


@dataclass(frozen=True)
class ManagedKafka:
    """A topic of the world's on a broker that knows Google's tokens, and who gives them."""

    broker: SecuredBroker
    google: Google


@pytest.fixture
def managed(world: World, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagedKafka]:
    """The process is the service account, whose rights are the documented ones."""
    folder = tmp_path / "managed"
    folder.mkdir()
    with ExitStack() as stack:
        bank = stack.enter_context(google(folder))
        broker = stack.enter_context(secured_broker(home, folder, f"{bank.address}/tokeninfo"))
        with monkeypatch.context() as of_the_broker:
            for name, value in broker.scram_environment("broker").items():
                of_the_broker.setenv(name, value)
            ensure_topic(broker.scram, world.settings.topic, partitions=2)
            allow(broker.scram, world.settings.topic)
        path = folder / "client.properties"
        path.write_text(
            "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
            f"sasl.login.callback.handler.class={HANDLER}\n"
            "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;\n"
            f"ssl.truststore.type=PEM\nssl.truststore.location={broker.path('ca.pem')}\n"
        )
        monkeypatch.setenv("KAFKA_CLIENT_PROPERTIES", str(path))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(bank.key_file))
        world.settings = replace(world.settings, bootstrap_servers=broker.google)
        yield ManagedKafka(broker, bank)


def allow(servers: str, topic: str) -> None:
    """Let the service account read and write the topic."""
    pattern = ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL)
    with closing(admin_client(servers)) as admin:
        operations = (ACLOperation.READ, ACLOperation.WRITE)
        admin.create_acls([ACL(f"User:{ACCOUNT}", "*", o, ACLPermissionType.ALLOW, pattern) for o in operations])


def test_every_client_shows_the_broker_the_token_that_googles_own_handler_makes(
    world: World, managed: ManagedKafka, home: Path
) -> None:
    world.send([event("by-kafka-python")])
    with FastProducer(world.settings.bootstrap_servers, world.settings.topic) as fast, fast.acknowledging():
        fast.send_all([b"k"], [event("by-librdkafka")])
    by_python = {alike(token) for token in managed.google.presented}
    del managed.google.presented[:]
    environment = os.environ | world.settings.environment() | {"PAYMENTS_HOME": str(home)}
    command = [sys.executable, "-m", "spark_jobs.process_payments"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(world.dispositions().values()) == ["UNIQUE", "UNIQUE"]
    by_the_job = [alike(token) for token in managed.google.presented]
    assert {alike(token) for token in managed.google.presented} == by_python
    assert len(by_python) == 1, by_the_job
    [(_, claims, access_token)] = by_python
    assert (claims, access_token) == (("exp", "iat", ("scope", "kafka"), ("sub", ACCOUNT)), ACCESS_TOKEN)
    assert ACCESS_TOKEN not in done.stdout + done.stderr


def alike(token: str) -> tuple[str, tuple[object, ...], str]:
    """A token but for its two times: header, claims in their order, access token."""
    import json

    header, claims, access_token = (decoded(part).decode() for part in token.split("."))
    pairs = json.loads(claims).items()
    return header, tuple(name if name in ("exp", "iat") else (name, value) for name, value in pairs), access_token


def test_without_an_account_or_with_one_that_google_refuses_the_reason_is_one_line(
    world: World, managed: ManagedKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (tmp_path / "missing.json", other_key(managed.google, tmp_path)):
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        with pytest.raises(BrokerUnreachable) as refused, TopicReader(managed.broker.google, world.settings.topic):
            pass
        message = str(refused.value)
        assert "Google gave no token" in message
        assert "GOOGLE_APPLICATION_CREDENTIALS" in message
        assert "\n" not in message


def other_key(bank: Google, folder: Path) -> Path:
    """A key that Google never gave out."""
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.google_kafka import key_file

    (folder / "other").mkdir()
    return key_file(folder / "other", rsa.generate_private_key(65537, 2048), bank.address)
