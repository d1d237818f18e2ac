"""A real broker that wants TLS and a login, with an authority, users, tokens and ACLs of its own."""

import base64
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_stack.java import find_java
from local_stack.processes import free_port
from tests.google_kafka import compiled_validator

STORE_PASSWORD = "stores-are-opened-by-it"  # noqa: S105 - of a store that the test makes
CANARY = "canary-Zq7-login-secret"
USERS = {"broker": "broker-login", "app": CANARY, "nobody": "nobody-login"}
CLIENT, CLIENT_SECRET = "payments-stream", "canary-Zq7-client-secret"
_START_SECONDS = 60.0


@dataclass(frozen=True)
class SecuredBroker:
    """Addresses of its listeners, its authority's certificate, and where tokens come from."""

    folder: Path
    scram: str
    mtls: str
    oauth: str
    token_endpoint: str
    google: str = ""

    def path(self, name: str) -> str:
        """A file of the broker's folder: ca.pem, other-ca.pem, client.pem, client.key, client.p12, trust.p12."""
        return str(self.folder / name)

    def scram_environment(self, user: str, password: str | None = None) -> dict[str, str]:
        return {
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": user,
            "KAFKA_SASL_PASSWORD": USERS[user] if password is None else password,
            "KAFKA_SSL_CA_LOCATION": self.path("ca.pem"),
        }


class _Authority:
    def __init__(self, name: str) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (
            self._builder(self.name, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = self._builder(subject, key.public_key()).add_extension(names, critical=False)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(usage, critical=False).add_extension(authority, critical=False)
        return key, builder.sign(self.key, hashes.SHA256())

    def _builder(self, subject: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))


def _private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificates(folder: Path) -> None:
    authority, other = _Authority("The tests' authority"), _Authority("Another authority")
    (folder / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    (folder / "other-ca.pem").write_bytes(other.certificate.public_bytes(Encoding.PEM))
    server_key, server = authority.issue("localhost")
    (folder / "server.pem").write_bytes(_private(server_key) + server.public_bytes(Encoding.PEM))
    client_key, client = authority.issue("app")
    (folder / "client.key").write_bytes(_private(client_key))
    (folder / "client.pem").write_bytes(client.public_bytes(Encoding.PEM))
    store = serialize_key_and_certificates(
        b"app", client_key, client, [authority.certificate], BestAvailableEncryption(STORE_PASSWORD.encode())
    )
    (folder / "client.p12").write_bytes(store)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@contextmanager
def _token_server() -> Iterator[str]:
    """An authorization server on loopback: signs tokens for its one client, and shows its public key."""
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    public = {
        "kty": "RSA",
        "kid": "tests",
        "alg": "RS256",
        "use": "sig",
        "n": _b64(numbers.n.to_bytes(256)),
        "e": _b64(numbers.e.to_bytes(3)),
    }

    def token() -> str:
        now = int(time.time())
        claims = {"sub": "app", "iss": "tests", "aud": "kafka", "iat": now, "exp": now + 300, "scope": "kafka"}
        parts = [_b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "tests"}, claims)]
        signature = key.sign(".".join(parts).encode(), PKCS1v15(), hashes.SHA256())
        return ".".join([*parts, _b64(signature)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"keys": [public]})

        def do_POST(self) -> None:
            wanted = "Basic " + base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != wanted or b"grant_type=client_credentials" not in body:
                self._answer(401, {"error": "invalid_client"})
            else:
                self._answer(200, {"access_token": token(), "token_type": "Bearer", "expires_in": 300})

        def _answer(self, status: int, given: object) -> None:
            text = json.dumps(given).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        server.server_close()


def _properties(folder: Path, ports: dict[str, int], token_endpoint: str) -> str:
    login = "org.apache.kafka.common.security"
    listeners = [f"{name}://127.0.0.1:{port}" for name, port in ports.items()]
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(listeners),
        "advertised.listeners": ",".join(each for each in listeners if "CONTROLLER" not in each),
        "listener.security.protocol.map": "SCRAM:SASL_SSL,MTLS:SSL,OAUTH:SASL_SSL,GOOGLE:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "SCRAM",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required "
        f'username="broker" password="{USERS["broker"]}";',
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": f"{login}.oauthbearer.OAuthBearerLoginModule required;",
        "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": f"{login}.oauthbearer."
        "OAuthBearerValidatorCallbackHandler",
        "listener.name.oauth.sasl.oauthbearer.jwks.endpoint.url": token_endpoint,
        "listener.name.oauth.sasl.oauthbearer.expected.audience": "kafka",
        "listener.name.google.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.google.oauthbearer.sasl.jaas.config": f"{login}.oauthbearer.OAuthBearerLoginModule required;",
        "listener.name.google.oauthbearer.sasl.server.callback.handler.class": "GoogleTokenValidator",
        "listener.name.mtls.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "server.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder / "ca.pem",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:broker;User:ANONYMOUS",
        "log.dirs": folder / "data",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "auto.create.topics.enable": "false",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


@contextmanager
def secured_broker(home: Path, folder: Path, token_info: str | None = None) -> Iterator[SecuredBroker]:
    """Start one from the jars below `home`; stopped and gone at the end of the block.

    Args:
        home: has the jars.
        folder: what the broker keeps.
        token_info: who knows Google's access tokens; then it has a listener as Managed Kafka's.
    """
    _certificates(folder)
    classes = [str(compiled_validator(home, folder))] if token_info else []
    with _token_server() as endpoint:
        ports: dict[str, int] = {}
        for name in ("SCRAM", "MTLS", "OAUTH", *(["GOOGLE"] if token_info else []), "CONTROLLER"):
            ports[name] = free_port("127.0.0.1")
        config = folder / "server.properties"
        config.write_text(_properties(folder, ports, endpoint))
        java = [
            find_java(home),
            "-XX:+UseSerialGC",
            "-Xmx384m",
            "-cp",
            ":".join([f"{home / 'jars' / 'broker'}/*", *classes]),
        ]
        java += [f"-Dtests.tokeninfo={token_info}"]
        java += ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        java += [f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={endpoint}"]
        users = [
            argument
            for user, password in USERS.items()
            for argument in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")
        ]
        tool = [*java, "kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", str(config), *users]
        subprocess.run(tool, check=True, capture_output=True)
        with (folder / "broker.log").open("wb") as log:
            process = subprocess.Popen([*java, "kafka.Kafka", str(config)], stdout=log, stderr=subprocess.STDOUT)
        address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        scram, mtls, oauth = (address[name] for name in ("SCRAM", "MTLS", "OAUTH"))
        broker = SecuredBroker(folder, scram, mtls, oauth, endpoint, address.get("GOOGLE", ""))
        try:
            _await(broker, process)
            yield broker
        finally:
            process.terminate()
            process.wait(30)


def _await(broker: SecuredBroker, process: subprocess.Popen[bytes]) -> None:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    from spark_jobs.source.connection import read_connection

    options = read_connection(broker.scram_environment("broker")).python()
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            KafkaAdminClient(bootstrap_servers=[broker.scram], bootstrap_timeout_ms=5_000, **options).close()
            return
        except KafkaError:
            log = (broker.folder / "broker.log").read_text(errors="replace")
            assert process.poll() is None, log[-2000:]
            assert time.monotonic() < deadline, log[-2000:]
            time.sleep(0.2)
