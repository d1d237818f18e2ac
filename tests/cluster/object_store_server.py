"""The front of the object store: it lets through what the product's role may do, to fake-gcs-server behind it.

Usage: python -m tests.cluster.object_store_server ADDRESS PORT BUCKET [--upstream-port N] [--delay-ms N]. A line of
standard output for each request: milliseconds since 1970, method, path, status. Belongs here: waiting, refusing,
forwarding. Does not belong here: which permissions a role has (cloud_permissions), what is kept (the store behind it,
which outlives it), the XML API (object_store_xml).
"""

import argparse
import json
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.cloud_permissions import PERMISSIONS, needed_of_storage
from tests.cluster.object_store_xml import ONLY_IF, listed, upload_of, written

ROLE = "roles/storage.objectUser"
"""What deploy/terraform gives the streaming job on its buckets, and nothing beside."""

UPSTREAM = ("127.0.0.1", 4444)
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_ANSWER_SECONDS = 60


def command_behind(server: str, url: str, port: int = UPSTREAM[1]) -> tuple[str, ...]:
    """What starts fake-gcs-server behind a front at `url`.

    In memory: on disk it would not keep an empty folder, which Spark asks for.
    """
    listen = ("-scheme", "http", "-host", UPSTREAM[0], "-port", str(port), "-log-level", "error", "-backend", "memory")
    return (server, *listen, "-public-host", url.removeprefix("http://"), "-external-url", url)


def may(method: str, path: str, body: bytes) -> bool:
    """Whether the role may send the request; of one that carries many, whether it may send each."""
    allowed = PERMISSIONS[ROLE]
    try:
        if path.startswith("/batch"):
            lines = re.findall(rb"^(GET|POST|PUT|PATCH|DELETE) (?:https?://[^/]+)?(/\S+)", body, re.MULTILINE)
            return all(needed_of_storage(part[0].decode(), part[1].decode()) <= allowed for part in lines)
        return needed_of_storage(method, path) <= allowed
    except KeyError:
        return False


class Handler(BaseHTTPRequestHandler):
    """One connection of a client, and one of ours for it."""

    protocol_version = "HTTP/1.1"
    # An answer's headers and body are two writes.
    disable_nagle_algorithm = True
    delay_seconds = 0.0
    upstream = UPSTREAM
    _onward: HTTPConnection | None = None

    def handle_one(self) -> None:
        body = b"".join(self._body())
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if not may(self.command, self.path, body):
            self._answer(403, {"Content-Type": "application/json"}, _refusal(self.command, self.path))
            return
        try:
            self._answer(*self._forward(body))
        except (OSError, HTTPException):
            self._onward, self.close_connection = None, True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_one

    def _body(self) -> Iterator[bytes]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        elif length := int(self.headers.get("Content-Length") or 0):
            yield self.rfile.read(length)

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upload = upload_of(self.command, self.path, self.headers.get(ONLY_IF))
        if upload is None:
            status, headers, answer = self._ask(self.command, self.path, body)
            return status, headers, listed(self.path, answer)
        status, headers, answer = self._ask("POST", upload, body)
        return (status, headers | written(answer), b"") if status == 200 else (status, headers, answer)

    def _ask(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if self._onward is None:
            self._onward = HTTPConnection(*self.upstream, timeout=_ANSWER_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        self._onward.request(method, path, body, headers | {"Content-Length": str(len(body))})
        answer = self._onward.getresponse()
        size = {"Content-Length": answer.headers["Content-Length"]} if method == "HEAD" else {}
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        return answer.status, kept | size, answer.read()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        sys.stdout.write(f"{time.time() * 1000:.0f} {self.command} {self.path} {status}\n")
        sys.stdout.flush()

    def log_message(self, *_: Any) -> None:
        """Said in our own form."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A client that has hung up is no error of ours."""


def _refusal(method: str, path: str) -> bytes:
    message = f"{ROLE} may not {method} {path}"
    return json.dumps({"error": {"code": 403, "message": message, "errors": [{"reason": "forbidden"}]}}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("port", type=int)
    parser.add_argument("bucket")
    parser.add_argument("--upstream-port", type=int, default=UPSTREAM[1])
    parser.add_argument("--delay-ms", type=float, default=0)
    options = parser.parse_args()
    upstream = (UPSTREAM[0], options.upstream_port)
    _make_bucket(upstream, options.bucket)
    handler = type("Delayed", (Handler,), {"delay_seconds": options.delay_ms / 1000, "upstream": upstream})
    Server((options.address, options.port), handler).serve_forever()


def _make_bucket(upstream: tuple[str, int], name: str) -> None:
    body = json.dumps({"name": name}).encode()
    url = f"http://{upstream[0]}:{upstream[1]}/storage/v1/b?project=tests"
    for _ in range(300):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"})):
                return
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    sys.exit("fake-gcs-server did not answer")


if __name__ == "__main__":
    main()
