import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from local_stack.processes import free_port
from orchestration.dashboard.keeping import keep, kept
from orchestration.dashboard.model import Snapshot
from orchestration.dashboard.serving.server import (
    HEADERS,
    OWN_HOSTS,
    Known,
    application,
    metrics_application,
    server_of,
)
from orchestration.links.documents import DOCUMENTS
from orchestration.settings import StackSettings, read_stack_settings
from tests.unit.orchestration.dashboard.sample import snapshot


class Reader:
    """Reads that go on until they are let go."""

    def __init__(self) -> None:
        self.count = 0
        self.may_end = threading.Event()

    def __call__(self, _settings: StackSettings, _before: Snapshot | None) -> Snapshot:
        self.count += 1
        self.may_end.wait(60)
        return snapshot()


def settings_in(home: Path) -> StackSettings:
    return read_stack_settings({"PAYMENTS_HOME": str(home), "PAYMENTS_DASHBOARD_SECONDS": "3600"})


@contextmanager
def running(known: Known, home: Path, *, metrics_alone: bool = False) -> Iterator[int]:
    port = free_port("127.0.0.1")
    app = metrics_application(known) if metrics_alone else application(settings_in(home), OWN_HOSTS, known)
    server = server_of(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            thread.join(0.01)
        yield port
    finally:
        server.should_exit = True
        thread.join()


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = Reader()
    yield made
    made.may_end.set()


def test_the_page_is_there_while_a_read_hangs_and_only_one_read_goes_on(tmp_path: Path, reader: Reader) -> None:
    keep(tmp_path, snapshot())
    known = Known(settings_in(tmp_path), reader)
    with running(known, tmp_path) as port:
        for _ in range(3):
            answer, text = get(port, "/")
            assert answer.status == 200
            assert "Yes: every payment is counted once" in text
        assert reader.count == 1
        reader.may_end.set()
        known.settle()
    assert kept(tmp_path) == snapshot()


def test_every_answer_has_the_headers_and_no_page_is_stored(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        for path in ("/", "/metrics", "/healthz", "/static/page.js", "/static/page.css", "/nowhere"):
            answer, _ = get(port, path)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
            assert answer.headers["Server"] is None
        assert get(port, "/")[0].headers["Cache-Control"] == "no-store"
        assert get(port, "/metrics")[0].headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_the_files_of_the_page_are_served_and_nothing_beside_them(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        assert "uPlot" in get(port, "/static/vendor/uPlot.iife.min.js")[1]
        assert get(port, "/static/../server.py")[0].status == 404
        assert get(port, "/static/%2e%2e/server.py")[0].status == 404


def test_a_runbook_is_served_by_the_name_of_its_alert_and_nothing_beside_it(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        answer, text = get(port, "/runbooks/PaymentsDataLost.md")
        assert (answer.status, text.splitlines()[0]) == (200, "# PaymentsDataLost")
        assert str(answer.headers["Content-Type"]).startswith("text/plain")
        for path in ("..%2Fexactly-once.md", "..%2Falerts.md", "../alerts.md", "PaymentsNothing.md"):
            assert get(port, f"/runbooks/{path}")[0].status == 404


def test_the_pages_that_dagster_links_to_are_served_and_nothing_beside_them(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        for page in {*DOCUMENTS.values(), "runbooks/PaymentsNotCountedOnce.md"}:
            answer, text = get(port, f"/docs/{page}")
            assert (answer.status, text[:2]) == (200, "# "), page
        for path in ("../README.md", "..%2FREADME.md", "adr/README.md", "%2Fetc%2Fpasswd", "configuration", ""):
            assert get(port, f"/docs/{path}")[0].status == 404, path


def test_a_request_by_another_name_is_refused(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        assert get(port, "/", host="evil.example")[0].status == 400
        assert get(port, "/", host="localhost")[0].status == 200


def test_before_anything_is_known_the_page_says_so(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port:
        assert "Not known yet: warehouse and broker are being asked." in get(port, "/")[1]


def test_it_listens_on_loopback_alone(tmp_path: Path, reader: Reader) -> None:
    with running(Known(settings_in(tmp_path), reader), tmp_path) as port, socket.socket() as other:
        other.bind(("127.0.0.2", port))


def test_the_port_for_metrics_has_nothing_else_and_answers_by_any_name(tmp_path: Path, reader: Reader) -> None:
    keep(tmp_path, snapshot())
    with running(Known(settings_in(tmp_path), reader), tmp_path, metrics_alone=True) as port:
        answer, text = get(port, "/metrics", host="10.2.3.4")
        assert (answer.status, "payments_counted_once 1.0" in text) == (200, True)
        assert get(port, "/healthz")[1] == "ok\n"
        for path in ("/", "/runbooks/PaymentsDataLost.md", "/static/page.js"):
            assert get(port, path)[0].status == 404
