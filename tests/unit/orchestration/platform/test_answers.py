"""A probe's answer: by an address that answers, refuses or is not there."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_stack.processes import free_port
from orchestration.platform.answers import main


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/server_info" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_answers_is_alive_and_what_refuses_is_not(url: str) -> None:
    assert main([f"{url}/server_info"]) == 0
    assert main([f"{url}/other"]) == 1


def test_where_nobody_listens_nothing_is_alive() -> None:
    assert main([f"http://127.0.0.1:{free_port('127.0.0.1')}/"]) == 1
