"""Ids over the product's own server: who gets them, who does not, and what is on record."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from starlette.applications import Starlette

from local_stack.processes import free_port
from orchestration.dashboard.ids.access import Access, read_access
from orchestration.dashboard.ids.samples import Sample
from orchestration.dashboard.ids.views import path_of
from orchestration.dashboard.keeping import keep
from orchestration.dashboard.serving.id_routes import routes_of_ids
from orchestration.dashboard.serving.server import OWN_HOSTS, Known, application, server_of
from orchestration.settings import StackSettings, read_stack_settings
from tests.unit.orchestration.dashboard.ids.test_pages import SAMPLES
from tests.unit.orchestration.dashboard.sample import snapshot

IDS = ("tx-1", "tx-2", "acc-1", "acc-2", "acc-9")
NAMED = {"PAYMENTS_DASHBOARD_ID_READERS": "investigators"}
ANNA = {"X-Forwarded-Email": "anna@example.com", "X-Forwarded-Groups": "staff,investigators"}
EVE = {"X-Forwarded-Email": "eve@example.com", "X-Forwarded-Groups": "staff"}


class Warehouse:
    """Stands for the reads; notes the label of each."""

    def __init__(self) -> None:
        self.labels: list[Mapping[str, str]] = []

    def __call__(self, _settings: StackSettings, label: Mapping[str, str]) -> dict[str, Sample]:
        self.labels.append(label)
        return SAMPLES


@contextmanager
def serving(home: Path, access: Access, warehouse: Warehouse) -> Iterator[int]:
    settings = read_stack_settings({"PAYMENTS_HOME": str(home), "PAYMENTS_DASHBOARD_SECONDS": "3600"})
    keep(home, snapshot())
    # The product's own application, with reads that need no warehouse.
    app = application(settings, OWN_HOSTS, Known(settings, lambda _s, _b: snapshot()), access)
    mine = {route.path: route for route in Starlette(routes=routes_of_ids(settings, access, warehouse)).routes}  # type: ignore[attr-defined]
    app.router.routes[:] = [mine.get(getattr(route, "path", ""), route) for route in app.router.routes]
    port = free_port("127.0.0.1")
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


def get(port: int, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse()


PAGES = ("/", "/metrics", "/ids", "/ids.json", "/static/page.html.j2")


@pytest.mark.parametrize("headers", [{}, EVE, ANNA], ids=["nobody", "another", "who would be named"])
def test_by_default_no_id_is_on_any_page_whoever_asks(
    tmp_path: Path, warehouse: Warehouse, headers: Mapping[str, str]
) -> None:
    with serving(tmp_path, read_access({}), warehouse) as port:
        answers = {path: get(port, path, headers) for path in PAGES}
    assert [status for status, _ in answers.values()] == [200, 200, 403, 403, 200]
    assert not [(path, each) for path, (_, text) in answers.items() for each in IDS if each in text]
    assert "Samples with ids" not in answers["/"][1]
    assert (warehouse.labels, path_of(tmp_path).exists()) == ([], False), "nothing was read"


def test_who_has_the_role_gets_them_where_he_asks_for_them_and_nowhere_else(
    tmp_path: Path, warehouse: Warehouse
) -> None:
    with serving(tmp_path, read_access(NAMED), warehouse) as port:
        answers = {path: get(port, path, ANNA) for path in PAGES}
        refused = [get(port, path, EVE) for path in ("/ids", "/ids.json")]
    assert all(each in answers[path][1] for path in ("/ids", "/ids.json") for each in IDS)
    assert not [each for path in ("/", "/metrics") for each in IDS if each in answers[path][1]]
    assert 'href="ids#quarantined"' in answers["/"][1]
    assert [(status, [each for each in IDS if each in text]) for status, text in refused] == [(403, []), (403, [])]


def test_each_view_is_on_record_and_labelled_by_who_looked(tmp_path: Path, warehouse: Warehouse) -> None:
    with serving(tmp_path, read_access(NAMED), warehouse) as port:
        get(port, "/ids", ANNA)
        get(port, "/ids.json", ANNA)
        get(port, "/ids", EVE)
    lines = [json.loads(line) for line in path_of(tmp_path).read_text().splitlines()]
    assert [(line["reader"], line["shown_as"]) for line in lines] == [
        ("anna@example.com", "html"),
        ("anna@example.com", "json"),
    ]
    assert warehouse.labels == [{"payments_reader": "anna_example_com"}] * 2


def test_what_cannot_be_put_on_record_is_not_shown(tmp_path: Path, warehouse: Warehouse) -> None:
    path_of(tmp_path).mkdir(parents=True)
    with serving(tmp_path, read_access(NAMED), warehouse) as port:
        status, text = get(port, "/ids", ANNA)
    assert (status, warehouse.labels) == (503, [])
    assert "cannot be put on record" in text


def test_an_address_that_a_header_claims_makes_no_proxy(tmp_path: Path, warehouse: Warehouse) -> None:
    access = replace(read_access(NAMED), proxies=frozenset({"10.0.0.7"}))
    with serving(tmp_path, access, warehouse) as port:
        assert get(port, "/ids", ANNA | {"X-Forwarded-For": "10.0.0.7", "X-Real-Ip": "10.0.0.7"})[0] == 403


def test_the_snapshot_that_is_kept_has_none(tmp_path: Path, warehouse: Warehouse) -> None:
    with serving(tmp_path, read_access(NAMED), warehouse) as port:
        get(port, "/ids", ANNA)
    kept = "".join(path.read_text() for path in (tmp_path / "dashboard").iterdir())
    assert not [each for each in IDS if each in kept]
