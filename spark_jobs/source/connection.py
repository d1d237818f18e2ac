"""How every Kafka client connects: one set of properties, in the Java client's own names.

Belongs here: reading them from KAFKA_CLIENT_PROPERTIES or from variables, and their form for Java, kafka-python and
librdkafka. Does not belong here: TLS material (tls), tokens (oauth), what a client is used for.
"""

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_jobs.settings import SettingError
from spark_jobs.source.tokens.google_tokens import HANDLER

if TYPE_CHECKING:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

FILE = "KAFKA_CLIENT_PROPERTIES"
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
ANSWER_MS = 10_000
"""How long a client waits for the cluster's first answer."""

_LOGIN = "org.apache.kafka.common.security"
_MODULES = {
    "PLAIN": f"{_LOGIN}.plain.PlainLoginModule",
    "SCRAM-SHA-256": f"{_LOGIN}.scram.ScramLoginModule",
    "SCRAM-SHA-512": f"{_LOGIN}.scram.ScramLoginModule",
    "OAUTHBEARER": f"{_LOGIN}.oauthbearer.OAuthBearerLoginModule",
}
_HANDLER = "sasl.login.callback.handler.class"
_TOKENS = {_HANDLER: f"{_LOGIN}.oauthbearer.OAuthBearerLoginCallbackHandler"}
_HANDLERS = (*_TOKENS.values(), f"{_LOGIN}.oauthbearer.secured.OAuthBearerLoginCallbackHandler", HANDLER)
_SECRET = re.compile(r"pass(word|phrase)|jaas|secret|token$|keystore\.key$|credential|user\.info", re.IGNORECASE)
_PROVIDERS = {
    "config.providers": "payments-file,payments-env,payments-folder",
    **{
        f"config.providers.payments-{name}.class": f"org.apache.kafka.common.config.provider.{kind}ConfigProvider"
        for name, kind in (("file", "File"), ("env", "EnvVar"), ("folder", "Directory"))
    },
}
_NOT_CONNECTING = re.compile(
    r"bootstrap\.servers|auto\.offset\.reset|enable\.auto\.commit|interceptor\.classes|(key|value)\.(de)?serializer"
)
"""What other clients' files have besides: Spark's Kafka source refuses to be told the like, and needs none of it."""
_JAAS_OPTION = re.compile(r"""([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))""")
_NO_OPTIONS = re.compile(r"\s*([A-Za-z]\w*\.)+\w+LoginModule\s+required\s*;\s*")
_UNQUOTED = re.compile(r'["\\\n]')
_KEPT_MESSAGES = 40

VARIABLES = {
    "KAFKA_SECURITY_PROTOCOL": "security.protocol",
    "KAFKA_SASL_MECHANISM": "sasl.mechanism",
    "KAFKA_SASL_USERNAME": "",
    "KAFKA_SASL_PASSWORD": "",
    "KAFKA_OAUTH_TOKEN_ENDPOINT_URL": "sasl.oauthbearer.token.endpoint.url",
    "KAFKA_OAUTH_CLIENT_ID": "",
    "KAFKA_OAUTH_CLIENT_SECRET": "",
    "KAFKA_OAUTH_SCOPE": "",
    "KAFKA_SSL_CA_LOCATION": "ssl.truststore.location",
    "KAFKA_SSL_CERTIFICATE_LOCATION": "ssl.keystore.certificate.chain",
    "KAFKA_SSL_KEY_LOCATION": "ssl.keystore.key",
    "KAFKA_SSL_KEY_PASSWORD": "ssl.key.password",
}
"""Variables for the common cases, and the property that each one sets; none where several become one."""


@dataclass(frozen=True, slots=True)
class Connection:
    """What clients are told beside the cluster's address. Secrets are in `properties` alone, which is never shown.

    Args:
        properties: the client's properties as Java names them, with every secret in clear.
        references: the same for a JVM: each secret is a reference that the JVM resolves by itself, from the file or
            the variable that it came from. So no secret is part of a Spark plan, a configuration or a log.
    """

    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    references: Mapping[str, str] = field(default_factory=dict)

    @property
    def protocol(self) -> str:
        """PLAINTEXT where nothing else is set."""
        return self.properties.get("security.protocol", "PLAINTEXT")

    @property
    def is_secured(self) -> bool:
        """Whether the cluster asks for TLS or a login; the local stack's own broker does not."""
        return self.protocol != "PLAINTEXT"

    @property
    def mechanism(self) -> str | None:
        """The SASL mechanism; None without SASL."""
        return self.properties.get("sasl.mechanism") if self.protocol.startswith("SASL_") else None

    @property
    def asks_google(self) -> bool:
        """Whether tokens are those of Google's Managed Service for Apache Kafka."""
        return self.mechanism == "OAUTHBEARER" and self.properties.get(_HANDLER) == HANDLER

    @property
    def token_endpoint(self) -> str | None:
        """Where tokens come from. A JVM asks only addresses that a system property names."""
        return self.properties.get("sasl.oauthbearer.token.endpoint.url") if self.mechanism == "OAUTHBEARER" else None

    def login(self) -> dict[str, str]:
        """The options of the login module."""
        text = self.properties.get("sasl.jaas.config", "")
        return {
            name: re.sub(r"\\(.)", r"\1", double or single) or bare
            for name, double, single, bare in _JAAS_OPTION.findall(text)
        }

    def java(self) -> dict[str, str]:
        """Properties for a JVM's clients, secrets as references."""
        return dict(self.references)

    def python(self) -> dict[str, Any]:
        """Options of kafka-python's clients."""
        if not self.is_secured:
            return {}
        options: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            from spark_jobs.source.tls import ssl_context

            options["ssl_context"] = ssl_context(self.properties)
        login = self.login()
        if self.asks_google:
            from spark_jobs.source.tokens import google_tokens

            options["sasl_oauth_token_provider"] = google_tokens.token_provider()
        elif self.mechanism == "OAUTHBEARER":
            from spark_jobs.source.tokens.oauth import token_provider

            options["sasl_oauth_token_provider"] = token_provider(str(self.token_endpoint), login)
        elif self.mechanism:
            options |= {"sasl_plain_username": login.get("username"), "sasl_plain_password": login.get("password")}
        return options | ({"sasl_mechanism": self.mechanism} if self.mechanism else {})

    def librdkafka(self) -> dict[str, Any]:
        """Options of confluent-kafka's clients."""
        if not self.is_secured:
            return {}
        options: dict[str, Any] = {"security.protocol": self.protocol.lower()}
        if self.protocol.endswith("SSL"):
            from spark_jobs.source.tls import pem_of

            options |= pem_of(self.properties).librdkafka()
            if not self.properties.get("ssl.endpoint.identification.algorithm", "https"):
                options["ssl.endpoint.identification.algorithm"] = "none"
        login = self.login()
        if self.asks_google:
            from spark_jobs.source.tokens import google_tokens

            options["oauth_cb"] = google_tokens.token_callback()
        elif self.mechanism == "OAUTHBEARER":
            from spark_jobs.source.tokens.oauth import extensions_of

            options |= {
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.token.endpoint.url": self.token_endpoint,
                "sasl.oauthbearer.client.id": login.get("clientId"),
                "sasl.oauthbearer.client.secret": login.get("clientSecret"),
            } | ({"sasl.oauthbearer.scope": login["scope"]} if "scope" in login else {})
            if extensions := extensions_of(login):
                options["sasl.oauthbearer.extensions"] = ",".join(f"{n}={v}" for n, v in extensions.items())
        elif self.mechanism:
            options |= {"sasl.username": login.get("username"), "sasl.password": login.get("password")}
        return options | ({"sasl.mechanism": self.mechanism} if self.mechanism else {})


def read_connection(env: Mapping[str, str] | None = None) -> Connection:
    """The connection of the process's environment, or of `env`.

    Raises:
        SettingError: naming the variable or the property that is wrong. It never repeats a value that may be secret.
    """
    env = os.environ if env is None else env
    given = sorted(name for name in VARIABLES if env.get(name))
    path = env.get(FILE)
    if path and given:
        raise SettingError(f"{FILE} and {given[0]} are both set: put everything into the file, or unset {FILE}.")
    connection = _of_file(Path(path).expanduser()) if path else _of_variables(env)
    return _checked(connection, f"{path}: " if path else "")


def read_properties(path: Path, setting: str, is_none: str) -> dict[str, str]:
    """A file of Java's properties, in UTF-8.

    Args:
        path: of the file.
        setting: which names it.
        is_none: what is said of a file that is none.

    Raises:
        SettingError: it cannot be read.
    """
    import javaproperties

    try:
        with path.open(encoding="utf-8") as stream:
            return dict(javaproperties.load(stream))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else is_none
        raise SettingError(f"{setting}: {path} cannot be read: {reason}.") from None


def _of_file(path: Path) -> Connection:
    properties = read_properties(path, FILE, "it is no properties file in UTF-8")
    if any("${" in value for value in properties.values()):
        raise SettingError(f"{FILE}: {path} refers to a config provider (${{...}}); write the values themselves.")
    secret = {n for n, v in properties.items() if _SECRET.search(n) and not _NO_OPTIONS.fullmatch(v)}
    references = {
        name: f"${{payments-file:{path.resolve()}:{name}}}" if name in secret else value
        for name, value in properties.items()
        if not _NOT_CONNECTING.fullmatch(name)
    }
    return Connection(properties, references | _PROVIDERS if references else {})


def _of_variables(env: Mapping[str, str]) -> Connection:
    set_ = {name: env[name] for name in VARIABLES if env.get(name)}
    properties = {VARIABLES[name]: value for name, value in set_.items() if VARIABLES[name]}
    references = dict(properties)
    if "KAFKA_SSL_CA_LOCATION" in set_:
        references["ssl.truststore.type"] = properties["ssl.truststore.type"] = "PEM"
    for variable in ("KAFKA_SSL_CERTIFICATE_LOCATION", "KAFKA_SSL_KEY_LOCATION"):
        if variable in set_:
            path = Path(set_[variable]).expanduser().resolve()
            properties[VARIABLES[variable]] = _content(variable, path)
            references[VARIABLES[variable]] = f"${{payments-folder:{path.parent}:{path.name}}}"
            references["ssl.keystore.type"] = properties["ssl.keystore.type"] = "PEM"
    if "KAFKA_SSL_KEY_PASSWORD" in set_:
        references["ssl.key.password"] = "${payments-env:KAFKA_SSL_KEY_PASSWORD}"
    mechanism = set_.get("KAFKA_SASL_MECHANISM")
    if mechanism in MECHANISMS:
        properties["sasl.jaas.config"] = _jaas(mechanism, set_, lambda name: set_[name])
        references["sasl.jaas.config"] = _jaas(mechanism, set_, lambda name: f"${{payments-env:{name}}}")
        if mechanism == "OAUTHBEARER":
            properties |= _TOKENS
            references |= _TOKENS
    return Connection(properties, references | _PROVIDERS if references else {})


def _jaas(mechanism: str, set_: Mapping[str, str], value: Any) -> str:
    wanted = (
        {"clientId": "KAFKA_OAUTH_CLIENT_ID", "clientSecret": "KAFKA_OAUTH_CLIENT_SECRET", "scope": "KAFKA_OAUTH_SCOPE"}
        if mechanism == "OAUTHBEARER"
        else {"username": "KAFKA_SASL_USERNAME", "password": "KAFKA_SASL_PASSWORD"}
    )
    for option, name in wanted.items():
        if name not in set_ and option != "scope":
            raise SettingError(f"KAFKA_SASL_MECHANISM is {mechanism}, and {name} is not set.")
        if _UNQUOTED.search(set_.get(name, "")):
            raise SettingError(f"{name} has a quote, a backslash or a line break: give it in {FILE}, escaped.")
    options = " ".join(f'{option}="{value(name)}"' for option, name in wanted.items() if name in set_)
    return f"{_MODULES[mechanism]} required {options};"


def _content(variable: str, path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no PEM file"
        raise SettingError(f"{variable}: {path} cannot be read: {reason}.") from None


def _checked(connection: Connection, where: str) -> Connection:
    if connection.protocol not in PROTOCOLS:
        raise SettingError(f"{where}security.protocol must be one of {', '.join(PROTOCOLS)}.")
    if not connection.is_secured:
        named = sorted(connection.properties.keys() & {"sasl.mechanism", "ssl.truststore.location"})
        if named:
            raise SettingError(f"{where}{named[0]} is set, and security.protocol is not: set it to SASL_SSL or SSL.")
    if connection.protocol.startswith("SASL_"):
        if connection.mechanism not in MECHANISMS:
            raise SettingError(f"{where}sasl.mechanism must be one of {', '.join(MECHANISMS)}.")
        if "sasl.jaas.config" not in connection.properties:
            raise SettingError(f"{where}sasl.jaas.config is missing: it holds the login of {connection.mechanism}.")
        if connection.mechanism == "OAUTHBEARER":
            _check_tokens(connection, where)
    return connection


def _check_tokens(connection: Connection, where: str) -> None:
    handler = connection.properties.get(_HANDLER)
    if handler not in (None, *_HANDLERS):
        raise SettingError(
            f"{where}{_HANDLER} is {handler}, which only Java knows: it must be {' or '.join(_HANDLERS)}."
        )
    if not connection.asks_google and not connection.token_endpoint:
        raise SettingError(f"{where}sasl.oauthbearer.token.endpoint.url is missing: it is where tokens come from.")


class _Listener(logging.Handler):
    """Keeps what kafka-python logs of a failing connection: its exception says no more than that nobody answered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # The first ones: a client that is refused goes on trying, and is soon not even listened to.
        if len(self.heard) < _KEPT_MESSAGES:
            self.heard.append(record.getMessage())


def _connected[Client](connect: Callable[..., Client], bootstrap_servers: str, **options: Any) -> Client:
    from kafka.errors import KafkaError

    listener = _Listener()
    logger = logging.getLogger("kafka")
    logger.addHandler(listener)
    try:
        return connect(
            bootstrap_servers=bootstrap_servers.split(","),
            bootstrap_timeout_ms=ANSWER_MS,
            **read_connection().python(),
            **options,
        )
    except KafkaError as error:
        error.add_note(" ".join(listener.heard))
        raise
    finally:
        logger.removeHandler(listener)


def admin_client(bootstrap_servers: str) -> "KafkaAdminClient":
    """An admin client; raises KafkaError where nobody answers."""
    from kafka import KafkaAdminClient

    return _connected(KafkaAdminClient, bootstrap_servers, request_timeout_ms=ANSWER_MS)


def consumer(bootstrap_servers: str, **options: Any) -> "KafkaConsumer":
    """A consumer that joins no group and commits nothing; raises KafkaError where nobody answers."""
    from kafka import KafkaConsumer

    return _connected(KafkaConsumer, bootstrap_servers, enable_auto_commit=False, group_id=None, **options)


def producer(bootstrap_servers: str, **options: Any) -> "KafkaProducer":
    """A producer, idempotent, acknowledged by all replicas; raises KafkaError where nobody answers."""
    from kafka import KafkaProducer

    # Explicit, both: some settings would silently turn idempotence off.
    return _connected(KafkaProducer, bootstrap_servers, enable_idempotence=True, acks="all", **options)
