"""The audit: what is locked is asked about, and nothing but an answer that counts says that all is well."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.audit import FOUND, GOOD, KNOWN_TO_BE_WEAK, NOT_AUDITED, ROOT, Locked, locked_jars, locked_packages, main
from local_stack.processes import free_port

type Answer = Callable[[list[dict[str, Any]]], Any]


@contextmanager
def database(answer: Answer) -> Iterator[str]:
    """A real server that answers as OSV does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            body = json.dumps(answer(queries)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/querybatch"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def knows(*weak: str) -> Answer:
    return lambda queries: {
        "results": [{"vulns": [{"id": "GHSA-1"}]} if q["package"]["name"] in weak else {} for q in queries]
    }


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_database_that_knows_of_nothing_of_ours_is_a_good_audit(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[dict[str, Any]] = []

    def answer(queries: list[dict[str, Any]]) -> Any:
        asked.extend(queries)
        # jinja2 is ours as well, in another version.
        return {"results": [{"vulns": [{"id": "GHSA-1"}]} if q["version"] == "2.4.1" else {} for q in queries]}

    with database(answer) as address:
        assert main([address]) == GOOD
    names = {(query["package"]["ecosystem"], query["package"]["name"]) for query in asked}
    assert {("PyPI", "pyspark"), ("PyPI", "local-bigquery"), ("Maven", "org.apache.kafka:kafka-clients")} <= names
    assert "0 with advisories" in capsys.readouterr().out


def test_what_is_known_against_a_version_is_named_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with database(knows(KNOWN_TO_BE_WEAK.name, "starlette")) as address:
        assert main([address]) == FOUND
    assert "PyPI starlette" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer",
    [
        lambda queries: {"results": [{} for _ in queries]},
        lambda _: {"results": []},
        lambda _: {},
        lambda _: [],
        lambda _: {"results": None},
    ],
    ids=["knows nothing at all", "answers for none", "another answer", "a list", "null"],
)
def test_an_answer_that_does_not_count_is_no_audit(answer: Answer, capsys: pytest.CaptureFixture[str]) -> None:
    with database(answer) as address:
        assert main([address]) == NOT_AUDITED
    message = capsys.readouterr()
    assert (message.out, message.err.count("\n"), message.err[:12]) == ("", 1, "NOT AUDITED:")


def test_a_database_that_is_away_is_no_audit_and_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"http://127.0.0.1:{free_port('127.0.0.1')}/"]) == NOT_AUDITED
    message = capsys.readouterr()
    assert (message.out, message.err.count("\n"), message.err[:12]) == ("", 1, "NOT AUDITED:")


def test_every_locked_version_is_asked_about() -> None:
    packages = list(locked_packages(ROOT / "requirements"))
    lines = [line for path in Path(ROOT / "requirements").glob("*.txt") for line in path.read_text().splitlines()]
    assert len(packages) == len({line.split()[0] for line in lines if line[:1].isalnum() and "==" in line}) > 150
    jars = list(locked_jars((ROOT / "local_stack" / "jars.txt").read_text()))
    assert Locked("Maven", "commons-codec:commons-codec", "1.0") not in jars
    assert len(jars) > 40
