"""Dataproc's stand-in on loopback: keeps each request, answers as the API does, lets a service account do what it may.

Belongs here: answering batches and jobs, in the client library's own types. Does not belong here: which permissions a
request needs (cloud_permissions), assertions. Nothing runs in it: a test says what becomes of a batch.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import dataproc_v1

from tests.cloud_permissions import needed_of_dataproc
from tests.discovery import unknown_in
from tests.terraform_files import permissions_of

UNDER_WAY = ("PENDING", "RUNNING")

_may = cache(permissions_of)
"""Read once: a test asks hundreds of times."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    body: Any

    @property
    def query(self) -> dict[str, str]:
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.path).query).items()}


@dataclass
class StandIn:
    """What was asked, what is there, and what comes next.

    A batch or a job goes through `states`, one each time it is looked at, and stays in the last. `answers` are codes
    for the next requests instead of their answers, 0 for a good one; with `is_lost` such a request has its effect.
    """

    address: str = ""
    states: tuple[str, ...] = (*UNDER_WAY, "SUCCEEDED")
    answers: list[int] = field(default_factory=list)
    is_lost: bool = False
    who: str = "dbt"
    words: str = ""
    asked: list[Asked] = field(default_factory=list)
    there: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)

    def transport(self) -> dict[str, Any]:
        """Options by which a client asks here."""
        return {
            "host": self.address,
            "url_scheme": "http",
            "credentials": AnonymousCredentials(),  # type: ignore[no-untyped-call]
        }

    def sent(self, ending: str) -> list[Asked]:
        """Requests whose path ends so."""
        return [each for each in self.asked if urlsplit(each.path).path.endswith(ending)]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.asked.append(Asked(method, path, body))
        if not needed_of_dataproc(method, path) <= _may(self.who):
            return 403, f"{self.who} may not {method} {path}"
        if wrong := unknown_in("dataproc.v1", method, path, body):
            return 400, f"unknown: {wrong}"
        code = self.answers.pop(0) if self.answers else 0
        if code and not self.is_lost:
            return code, "not now"
        answered = self._answer(urlsplit(path).path, self.asked[-1])
        return (code, "not now") if code else answered

    def _answer(self, path: str, asked: Asked) -> tuple[int, Any]:
        if made := re.fullmatch(r"/v1/(projects/[^/]+/locations/[^/]+)/batches", path):
            name = f"{made[1]}/batches/{asked.query['batchId']}"
            return self._make(name, dataproc_v1.Batch, asked.body, {"name": f"{made[1]}/operations/op-1"})
        if made := re.fullmatch(r"/v1/(projects/[^/]+/regions/[^/]+/jobs):submit", path):
            job = asked.body["job"]
            return self._make(f"{made[1]}/{job['reference']['jobId']}", dataproc_v1.Job, job, job)
        if path.endswith(":cancel"):
            self.cancelled.append(path)
            return 200, {}
        name = path.removeprefix("/v1/")
        return (200, self._look(name)) if name in self.there else (404, f"{name} is not there")

    def _make(self, name: str, kind: Any, body: Any, answer: Any) -> tuple[int, Any]:
        if name in self.there:
            return 409, f"{name} is there"
        self.there[name] = kind.from_json(json.dumps(body), ignore_unknown_fields=False)
        return 200, answer

    def _look(self, name: str) -> Any:
        look = self.looks.setdefault(name, 0)
        self.looks[name] += 1
        state = self.states[min(look, len(self.states) - 1)]
        kept = self.there[name]
        if isinstance(kept, dataproc_v1.Batch):
            kept.state, kept.state_message = getattr(dataproc_v1.Batch.State, state), self.words
            kept.operation = name.replace("/batches/", "/operations/")
            kept.runtime_info.output_uri = "gs://acme-staging/driveroutput"
        else:
            kept.status = dataproc_v1.JobStatus(state=getattr(dataproc_v1.JobStatus.State, state), details=self.words)
            kept.driver_output_resource_uri = "gs://acme-staging/driveroutput"
        return json.loads(type(kept).to_json(kept))


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """Up for as long as the block lasts."""
    dataproc = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(size)
            code, said = dataproc.answer(self.command, self.path, json.loads(text) if text else None)
            answer = json.dumps(said if code < 400 else {"error": {"code": code, "message": said}}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_DELETE = handle_one

        def log_message(self, *_: Any) -> None:
            """Kept in our own form."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    dataproc.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield dataproc
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
