"""A client's secret goes to its token endpoint, and to no other address."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from spark_jobs.source.tokens.oauth import TokenRefused, request_token


class Redirecting(HTTPServer):
    """Sends each request on to another path of itself, and keeps which were asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Redirecting

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redirecting]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Redirecting() as redirecting:
        thread = Thread(target=redirecting.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield redirecting
        redirecting.shutdown()
        thread.join()


def test_a_redirect_is_a_refusal_and_the_login_is_not_sent_on(server: Redirecting) -> None:
    endpoint = f"http://127.0.0.1:{server.server_port}/token"
    with pytest.raises(TokenRefused, match="HTTP 302"):
        request_token(endpoint, {"clientId": "stream", "clientSecret": "secret"})
    assert server.asked == ["/token"]
