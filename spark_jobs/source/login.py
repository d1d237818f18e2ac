"""One login at a broker by hand, to read the broker's refusal.

Belongs here: the two requests of a SASL login, on a blocking socket. kafka-python loses a refusal that comes together
with the end of the connection (`KafkaTCPTransport._read_from_sock` drops what it has read), and reports that nobody
answered. Does not belong here: connecting, TLS, what a refusal is called (refusals).
"""

import socket
import struct
from collections.abc import Mapping
from typing import Any

_HANDSHAKE = (17, 1)
_AUTHENTICATE = (36, 0)
"""Number and version of the requests: https://kafka.apache.org/protocol#protocol_api_keys."""

_ROUNDS = 5
"""SCRAM takes two, the others one."""


def refusal(sock: socket.socket, host: str, settings: Mapping[str, Any]) -> str | None:
    """Kafka's name of the error by which the broker refuses a login.

    Args:
        sock: connected, with a timeout, TLS done where the listener asks for it. It is of no use afterwards.
        host: the broker's name.
        settings: kafka-python's, with `sasl_mechanism` and what the mechanism takes.

    Returns:
        Such as `SaslAuthenticationFailedError`; None where the login is taken, and where the broker ends the
        connection without an answer.

    Raises:
        OSError: the broker did not answer in time.
    """
    from kafka.errors import for_code
    from kafka.net.sasl import get_sasl_mechanism

    mechanism = get_sasl_mechanism(settings["sasl_mechanism"])(host=host, **settings)
    name = str(settings["sasl_mechanism"]).encode()
    answer = _ask(sock, *_HANDSHAKE, struct.pack(">h", len(name)) + name)
    for _ in range(_ROUNDS):
        if answer is None:
            return None
        [code] = struct.unpack_from(">h", answer)
        if code:
            return str(for_code(code).__name__)
        if mechanism.is_done():
            return None
        token = mechanism.auth_bytes()
        answer = _ask(sock, *_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        if answer and not struct.unpack_from(">h", answer)[0]:
            mechanism.receive(_bytes_of(answer))
    return None


def _bytes_of(answer: bytes) -> bytes:
    """The token of an answer to SaslAuthenticate: error code, error message (null here), length, token."""
    [message] = struct.unpack_from(">h", answer, 2)
    start = 4 + max(message, 0)
    [length] = struct.unpack_from(">i", answer, start)
    return answer[start + 4 : start + 4 + length]


def _ask(sock: socket.socket, request: int, version: int, body: bytes) -> bytes | None:
    """The body of the answer; None where the broker ends the connection."""
    sent = struct.pack(">hhih", request, version, 1, -1) + body
    sock.sendall(struct.pack(">i", len(sent)) + sent)
    head = _read(sock, 8)
    if head is None:
        return None
    [length] = struct.unpack_from(">i", head)
    return _read(sock, length - 4)


def _read(sock: socket.socket, length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        part = sock.recv(length - len(found))
        if not part:
            return None
        found += part
    return found
