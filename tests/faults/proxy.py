"""A warehouse that misbehaves: an HTTP proxy on loopback that does, by rule, what networks and servers do.

Belongs here: forwarding, and the faults. Does not belong here: which faults a test wants, and what must come of them.
"""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from tests.faults.concurrency import Concurrency, refusal, sql_of

FORWARD_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the client gets. An `after` delay in seconds comes before it."""

    status: int
    body: bytes
    after: float = 0


@dataclass
class Rule:
    """What to do to the requests of `method` whose path or body has `part`: to `times` of them, after the first `skip`.

    `fault` is one of: drop_request, drop_answer, still_running (the job it answers with is RUNNING, whatever it is),
    job_error (a job that is DONE and failed, never forwarded), delay, status.
    """

    method: str
    part: str
    fault: str
    times: float = 1
    skip: int = 0
    seconds: float = 0
    status: int = 503
    reason: str = "backendError"
    seen: Iterator[int] = field(default_factory=count, init=False)

    def fits(self, method: str, text: str) -> bool:
        return method == self.method and self.part in text and self.skip <= next(self.seen) < self.skip + self.times

    def error(self) -> dict[str, Any]:
        return {"reason": self.reason, "message": f"made up: {self.reason}", "location": "proxy"}


@dataclass
class Proxy:
    """The rules in force, and every request that came: (method, path and body); transactions meet by `concurrency`."""

    upstream: str
    rules: list[Rule] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    concurrency: Concurrency | None = None

    def asked(self, method: str, part: str) -> int:
        """How many requests of that kind came."""
        return sum(asked == method and part in text for asked, text in self.requests)

    def rule_for(self, method: str, text: str) -> Rule | None:
        with self.lock:
            self.requests.append((method, text))
            return next((rule for rule in self.rules if rule.fits(method, text)), None)

    def forward(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        connection = HTTPConnection(urlsplit(self.upstream).netloc, timeout=FORWARD_SECONDS)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read())
        finally:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    """One request: look for a rule, do what it says."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rule = self.proxy.rule_for(self.command, f"{self.path} {body.decode(errors='replace')}")
        try:
            answer = self._answer(rule, body)
        except (OSError, HTTPException):
            answer = None
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def _answer(self, rule: Rule | None, body: bytes) -> Answer | None:
        fault = rule.fault if rule else ""
        if rule and fault == "status":
            error = {"code": rule.status, "message": f"made up: {rule.reason}", "errors": [rule.error()]}
            return Answer(rule.status, json.dumps({"error": error}).encode())
        if rule and fault == "job_error":
            status = {"state": "DONE", "errorResult": rule.error(), "errors": [rule.error()]}
            return Answer(200, json.dumps(json.loads(body) | {"status": status}).encode())
        if fault == "drop_request":
            return None
        if rule and fault == "delay":
            threading.Event().wait(rule.seconds)
        answer = self._forwarded(body)
        if fault == "drop_answer":
            return None
        if fault == "still_running" and answer.status == 200:
            job = json.loads(answer.body) | {"status": {"state": "RUNNING"}}
            return Answer(200, json.dumps(job).encode())
        return answer

    def _forwarded(self, body: bytes) -> Answer:
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        sql = sql_of(body) if self.command == "POST" and self.proxy.concurrency else None
        if sql is None or self.proxy.concurrency is None:
            return self.proxy.forward(self.command, self.path, body, headers)
        with self.proxy.concurrency.changing(sql) as refused:
            if refused:
                status = {"state": "DONE", "errorResult": refusal(refused), "errors": [refusal(refused)]}
                return Answer(200, json.dumps(json.loads(body) | {"status": status}).encode())
            answer = self.proxy.forward(self.command, self.path, body, headers)
            return self._once_done(answer, headers)

    def _once_done(self, answer: Answer, headers: dict[str, str]) -> Answer:
        """The job's answer once it is over: until then its tables are held."""
        while answer.status == 200 and json.loads(answer.body).get("status", {}).get("state") in ("PENDING", "RUNNING"):
            reference = json.loads(answer.body)["jobReference"]
            threading.Event().wait(0.02)
            answer = self.proxy.forward("GET", f"{urlsplit(self.path).path}/{reference['jobId']}", b"", headers)
        return answer

    def log_message(self, *_: Any) -> None:
        """Say nothing: what came is in `requests`."""


@contextmanager
def misbehaving(upstream: str) -> Iterator[Proxy]:
    """A proxy before `upstream`, at `address`; without rules it is not noticed."""
    proxy = Proxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"proxy": proxy}))
    server.daemon_threads = True
    proxy.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
