import socket
import struct
import threading

import pytest

from spark_jobs.source.login import refusal

PLAIN = {"sasl_mechanism": "PLAIN", "sasl_plain_username": "app", "sasl_plain_password": "secret"}
SCRAM = PLAIN | {"sasl_mechanism": "SCRAM-SHA-256"}
TAKEN = struct.pack(">hhi", 0, -1, 0)
REFUSED = struct.pack(">hhi", 58, -1, 0)
OFFERED = struct.pack(">hi", 0, 0)
NOT_OFFERED = struct.pack(">hi", 33, 0)


def broker(*answers: bytes) -> tuple[socket.socket, threading.Thread]:
    """A client's socket, and a broker that gives these answers and ends the connection with the last of them."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)

    def answer() -> None:
        with theirs:
            for body in answers:
                [length] = struct.unpack(">i", theirs.recv(4))
                theirs.recv(length)
                theirs.sendall(struct.pack(">ii", len(body) + 4, 1) + body)

    answering = threading.Thread(target=answer)
    answering.start()
    return ours, answering


@pytest.mark.parametrize(
    ("settings", "answers", "name"),
    [
        (PLAIN, (OFFERED, REFUSED), "SaslAuthenticationFailedError"),
        (SCRAM, (OFFERED, REFUSED), "SaslAuthenticationFailedError"),
        (PLAIN, (NOT_OFFERED,), "UnsupportedSaslMechanismError"),
        (PLAIN, (OFFERED, TAKEN), None),
        (PLAIN, (OFFERED,), None),
        (PLAIN, (), None),
    ],
    ids=["plain refused", "scram refused", "no such mechanism", "taken", "ends after the handshake", "ends at once"],
)
def test_a_refusal_is_read_though_the_connection_ends_with_it(
    settings: dict[str, str], answers: tuple[bytes, ...], name: str | None
) -> None:
    ours, answering = broker(*answers)
    with ours:
        try:
            assert refusal(ours, "broker", settings) == name
        except ConnectionError:
            # The system may report the end as a reset.
            assert name is None
    answering.join()
