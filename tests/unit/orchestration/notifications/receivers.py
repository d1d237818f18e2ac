"""Receivers on loopback: one for HTTP, one for SMTP, each keeps what it is given and answers as it is told.

Belongs here: the receivers. Does not belong here: assertions.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, cast


@dataclass
class Inbox:
    """What came, and how the next ones are answered; then well again."""

    address: str = ""
    answers: list[int] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def answer(self, well: int) -> int:
        return self.answers.pop(0) if self.answers else well


@contextmanager
def http_receiver() -> Iterator[Inbox]:
    """A webhook's other end."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = inbox.answer(200)
            if status == 200:
                inbox.bodies.append(json.loads(body))
                inbox.headers.append(dict(self.headers))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", inbox.address)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        inbox.address = f"http://127.0.0.1:{server.server_address[1]}/hooks/secret"
        yield inbox


@contextmanager
def smtp_receiver() -> Iterator[Inbox]:
    """A mail server that speaks as much SMTP as a client needs."""
    inbox = Inbox()

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline():
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    self._say("354 go on")
                    self._take()
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _take(self) -> None:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            status = inbox.answer(250)
            if status == 250:
                inbox.bodies.append(message_from_bytes(b"".join(lines), policy=policy.default))
            self._say(f"{status} it is")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        inbox.address = f"127.0.0.1:{server.server_address[1]}"
        yield inbox


@contextmanager
def _serving(server: ThreadingHTTPServer | ThreadingTCPServer) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield
    server.shutdown()
    thread.join()


def letter(inbox: Inbox, at: int = -1) -> EmailMessage:
    """A letter that came."""
    return cast(EmailMessage, inbox.bodies[at])
