"""Sending lineage: nothing waits for the service, nothing fails with it, and its trouble is said once."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from spark_jobs.lineage import sender as sending
from spark_jobs.lineage.batch_events import batch_events
from spark_jobs.lineage.sender import LineageSettings, Sender, open_sender, read_lineage_settings
from spark_jobs.settings import SettingError
from tests.unit.spark_jobs.batches import SETTINGS
from tests.unit.spark_jobs.lineage.test_batch_events import REPORT


@dataclass
class Receiver:
    """A service that takes events by HTTP, or answers with another status."""

    url: str = ""
    status: int = 201
    taken: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as started:
        yield started


@contextmanager
def serving(receiver: Receiver) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.taken.append((self.path, self.headers.get("Authorization", ""), body))
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_of(receiver: Receiver, key: str = "") -> LineageSettings:
    return LineageSettings(receiver.url, "acme", "api/v1/lineage", key)


def test_it_is_off_unless_a_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENLINEAGE_URL", raising=False)
    assert read_lineage_settings({}) is None
    assert read_lineage_settings({"OPENLINEAGE_URL": "http://marquez:5000", "OPENLINEAGE_DISABLED": "true"}) is None
    with open_sender() as lineage:
        assert lineage is None


def test_the_variables_are_those_of_openlineage_s_own_clients() -> None:
    found = read_lineage_settings({"OPENLINEAGE_URL": "http://marquez:5000", "OPENLINEAGE_API_KEY": "k"})
    assert found == LineageSettings("http://marquez:5000", "payments", "api/v1/lineage", "k")


@pytest.mark.parametrize("url", ["marquez:5000", "http://user:secret@marquez", "kafka://marquez"])
def test_what_is_no_address_is_one_line_without_what_may_be_a_secret(url: str) -> None:
    with pytest.raises(SettingError, match="OPENLINEAGE_URL must be") as wrong:
        read_lineage_settings({"OPENLINEAGE_URL": url})
    assert "secret" not in str(wrong.value)


def test_a_batch_reaches_the_service_over_http(receiver: Receiver) -> None:
    warned: list[str] = []
    with open_sender(settings_of(receiver, "key-1"), warned.append) as lineage:
        assert lineage
        lineage.send(partial(batch_events, SETTINGS, lineage.namespace, REPORT))
    assert [body["eventType"] for _, _, body in receiver.taken] == ["START", "COMPLETE"]
    assert {(path, key) for path, key, _ in receiver.taken} == {("/api/v1/lineage", "Bearer key-1")}
    assert warned == []


def test_a_service_that_refuses_is_told_of_once_and_asked_again_for_later_batches(receiver: Receiver) -> None:
    receiver.status = 500
    warned: list[str] = []
    with open_sender(settings_of(receiver), warned.append) as lineage:
        assert lineage
        for _ in range(3):
            lineage.send(partial(batch_events, SETTINGS, lineage.namespace, REPORT))
    assert len(receiver.taken) == 3
    [line] = warned
    assert line.startswith(f"OpenLineage at {receiver.url} refuses events, or does not answer (HTTPError).")


def test_a_service_that_is_not_there_fails_nothing() -> None:
    warned: list[str] = []
    gone = LineageSettings("http://127.0.0.1:1", "acme", "api/v1/lineage", "")
    with open_sender(gone, warned.append) as lineage:
        assert lineage
        lineage.send(partial(batch_events, SETTINGS, lineage.namespace, REPORT))
    assert len(warned) == 1


def test_nobody_waits_for_a_service_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MOST_WAITING", 2)
    warned: list[str] = []
    hanging, asked = threading.Event(), threading.Event()

    def hang(_event: object) -> None:
        asked.set()
        hanging.wait(60)

    sender = Sender(hang, warned.append, "there")
    try:
        sender.send(partial(batch_events, SETTINGS, "acme", REPORT))
        assert asked.wait(60)
        for _ in range(3):
            sender.send(partial(batch_events, SETTINGS, "acme", REPORT))
        sender.close(seconds=0.01)
    finally:
        hanging.set()
    behind, late = warned
    assert "is 2 batches behind" in behind
    assert "did not take the last events in time" in late


def test_what_cannot_even_be_made_fails_nothing() -> None:
    warned: list[str] = []
    sender = Sender(lambda _event: None, warned.append, "there")

    def broken() -> list[Any]:
        raise KeyError("no such node")

    sender.send(broken)
    sender.close()
    assert "(KeyError)" in warned[0]
