"""Why Kafka does not let a client in, or does not answer: one sentence, with what to do.

Belongs here: telling the reasons apart by an error's type and, where the client says only that nobody answered, by one
connection of our own. Does not belong here: raising (each caller has an exception of its own).
"""

import re
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from spark_jobs.incidents import Incident, IncidentKind, one_line
from spark_jobs.settings import SettingError
from spark_jobs.source import login

_SECONDS = 5.0
_ROUTE = "start it, or mend KAFKA_BOOTSTRAP_SERVERS."
_LOGIN = "mend KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or the login in KAFKA_CLIENT_PROPERTIES."
_MECHANISM = "the broker does not offer this SASL mechanism: mend KAFKA_SASL_MECHANISM."
_TOPIC = "the user may not read topic {topic}: grant it Describe and Read on the topic."
_BY_NAME = {
    "SaslAuthenticat": f"the login was refused: {_LOGIN}",
    "AuthenticationFailed": f"the login was refused: {_LOGIN}",
    "IllegalSaslState": f"the broker expects another SASL mechanism than ours, or none: {_LOGIN}",
    "UnsupportedSaslMechanism": _MECHANISM,
    "Unsupported SASL mechanism": _MECHANISM,
    "_AUTHENTICATION": f"the login was refused: {_LOGIN}",
    "TopicAuthorization": _TOPIC,
    "TOPIC_AUTHORIZATION": _TOPIC,
    "GroupAuthorization": "the user may not use a consumer group: grant it Read on the group.",
    "ClusterAuthorization": "the user may not do this on the cluster: grant it the operation, or have an admin do it.",
    "TransactionalIdAuthorization": "the user may not write transactions: grant it Write on the transactional id.",
    "UnsupportedCodec": "the topic is compressed by a codec that this Python has no library for: run `make setup`.",
    "Failed to create Google credentials": "Google's credentials are not found: set GOOGLE_APPLICATION_CREDENTIALS to "
    "the key of a service account, or run as one.",
    "SslAuthenticationException": "TLS failed: mend KAFKA_SSL_CA_LOCATION, or the trust store in "
    "KAFKA_CLIENT_PROPERTIES.",
}
"""By a part of the name of the error, in kafka-python, in Java or in librdkafka; the first that is found counts."""

_REFUSED_TOKEN = re.compile(
    r"the token endpoint \S+ "
    r"(?:refused the client \(HTTP \d+\): [^.]+\.|gave no token: .{1,200}?\.|is no http address: mend \w+\.)"
    r"|Google gave no token: .{1,400}?; set GOOGLE_APPLICATION_CREDENTIALS [^.]+\."
)


def why(error: BaseException, bootstrap_servers: str, topic: str = "") -> str:
    """One sentence that says why, and what to do."""
    text = f"{_names(error)} {error} {' '.join(getattr(error, '__notes__', ()))}"
    if refused := _REFUSED_TOKEN.search(text):
        return refused[0]
    if reported := named(text, topic):
        return reported
    return _connect_once(bootstrap_servers) or f"it did not answer ({type(error).__name__}): {_ROUTE}"


def named(text: str, topic: str = "") -> str | None:
    """The sentence for an error whose name is in the text, such as a JVM's trace; None where it is of no known kind."""
    for name, sentence in _BY_NAME.items():
        if name in text:
            return sentence.format(topic=repr(topic))
    return None


_UNREADABLE_TIME = re.compile(r"Record at topic (\S+) partition (\d+) offset (\d+) has timestamp value (-?\d+)")


def unreadable_timestamp(text: str) -> Incident | None:
    """What a record's timestamp that Spark cannot hold comes to, from the text of its error; None for other errors.

    A sender's clock in nanoseconds, where Kafka has milliseconds, is far beyond what fits. Spark reads no record of a
    batch that has one.
    """
    found = _UNREADABLE_TIME.search(text)
    if not found:
        return None
    topic, partition, offset, timestamp = found[1], *map(int, found.groups()[1:])
    return Incident(
        IncidentKind.TIMESTAMP_UNREADABLE,
        f"{topic} partition {partition} offset {offset} has the timestamp {timestamp}, which is no time in "
        "milliseconds: have its sender set milliseconds, or the topic message.timestamp.type=LogAppendTime; the "
        "runbook says how to go on behind this record.",
        {partition: (offset, offset + 1)},
    )


def _names(error: BaseException) -> str:
    names: list[str] = []
    found: BaseException | None = error
    while found is not None and len(names) < 10:
        names.append(type(found).__name__)
        found = found.__cause__ or found.__context__
    return " ".join(names)


def _connect_once(bootstrap_servers: str) -> str | None:
    """What a client cannot tell of its first connection: nobody there, a TLS handshake or a login that fails."""
    from spark_jobs.source.connection import read_connection

    connection = read_connection()
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_SECONDS) as plain:
            settings = connection.python()
            if connection.protocol.endswith("SSL"):
                context: ssl.SSLContext = settings["ssl_context"]
                with context.wrap_socket(plain, server_hostname=host) as secured:
                    return _login(secured, host, settings) or _after_the_handshake(secured)
            return _login(plain, host, settings)
    except ssl.SSLCertVerificationError as error:
        return (
            f"its certificate is not trusted ({error.verify_message}): mend KAFKA_SSL_CA_LOCATION, or the trust store."
        )
    except ssl.SSLError as error:
        return _handshake(error)
    except SettingError as error:
        return str(error)
    except OSError as error:
        return f"it did not answer ({one_line(error)}): {_ROUTE}"


def _login(sock: socket.socket, host: str, settings: Mapping[str, Any]) -> str | None:
    if "sasl_mechanism" not in settings:
        return None
    refused = login.refusal(sock, host, settings)
    return named(refused) if refused else None


def _after_the_handshake(secured: ssl.SSLSocket) -> str | None:
    """TLS 1.3 refuses a client's certificate only after the client's side of the handshake is done."""
    secured.settimeout(0.5)
    try:
        secured.recv(1)
    except ssl.SSLError as error:
        return _handshake(error)
    except OSError:
        return None
    return None


def _handshake(error: ssl.SSLError) -> str:
    reason = str(error.reason or error)
    if "WRONG_VERSION" in reason or "RECORD_LAYER" in reason:
        return "it does not speak TLS at this port: mend KAFKA_SECURITY_PROTOCOL or the port."
    return (
        f"the TLS handshake failed ({reason.lower().replace('_', ' ')}): the broker may want a client certificate, "
        f"KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION."
    )
