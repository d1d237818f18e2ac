"""The registry's client: what it answers, what it is when it does not, and that no secret is shown."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local_stack.processes import free_port
from spark_jobs.decoding.registry import (
    PAUSES_SECONDS,
    Access,
    Registry,
    RegistryUnavailable,
    Schema,
    UnknownSchema,
    has_registry,
    raised_by_a_task,
    read_access,
)
from spark_jobs.incidents import IncidentKind
from spark_jobs.settings import SettingError

SECRET = "canary-Zq7"  # noqa: S105 - of nobody
TYPES = (200, ["JSON", "PROTOBUF", "AVRO"])


class Served:
    """A server of HTTP that answers by path, and remembers what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str | None]] = []
        self.url = ""

    def answer(self, path: str) -> tuple[int, Any]:
        found = self.answers.get(path, (404, None))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, tuple) else (200, found)


@contextmanager
def serving(answers: dict[str, Any]) -> Iterator[Served]:
    served = Served(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append((self.path, self.headers.get("Authorization")))
            status, content = served.answer(self.path)
            body = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def registry(url: str, **access: Any) -> Registry:
    return Registry(Access(url, **access), wait=lambda _: None)


def test_a_schema_comes_with_all_that_it_refers_to_each_after_what_it_uses() -> None:
    def reference(name: str) -> dict[str, Any]:
        return {"name": f"{name}.proto", "subject": f"of/{name}", "version": 3}

    answers = {
        "/schemas/ids/7": {"schema": "main", "schemaType": "PROTOBUF", "references": [reference("a"), reference("b")]},
        "/subjects/of%2Fa/versions/3?deleted=true": {"schema": "A", "references": [reference("b")]},
        "/subjects/of%2Fb/versions/3?deleted=true": {"schema": "B"},
    }
    with serving(answers) as served:
        found = registry(served.url).schema("ids/7")
    assert found == Schema("PROTOBUF", "main", {"b.proto": "B", "a.proto": "A"})
    assert list(found.references) == ["b.proto", "a.proto"]
    assert len(served.asked) == 3


def test_a_schema_without_a_type_is_avro() -> None:
    with serving({"/schemas/ids/1": {"schema": '"string"'}}) as served:
        assert registry(f"{served.url}").schema("ids/1") == Schema("AVRO", '"string"', {})


def test_an_id_that_the_registry_does_not_know_is_unknown() -> None:
    with serving({"/schemas/ids/1": (404, {"error_code": 40403, "message": "Schema 1 not found."})}) as served:
        with pytest.raises(UnknownSchema):
            registry(served.url).schema("ids/1")
        assert len(served.asked) == 1


def test_a_registry_that_has_no_guids_knows_none() -> None:
    with serving({"/schemas/types": TYPES}) as served:
        asked = registry(served.url)
        for _ in range(2):
            with pytest.raises(UnknownSchema):
                asked.schema("guids/89791762-2336-4186-9674-299b90a802e2")
        assert [path for path, _ in served.asked].count("/schemas/types") == 1


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({}, "is no schema registry: mend SCHEMA_REGISTRY_URL"),
        ({"/schemas/ids/1": {"hello": "world"}}, "does not answer as a schema registry does"),
        ({"/schemas/ids/1": [1]}, "does not answer as a schema registry does"),
        ({"/schemas/ids/1": (401, {"error_code": 401})}, "lets nobody in (HTTP 401): mend SCHEMA_REGISTRY_USER"),
        ({"/schemas/ids/1": (403, None)}, "lets nobody in (HTTP 403)"),
        ({"/schemas/ids/1": (500, {"error_code": 50001})}, "fails (HTTP 500): look at its log"),
        ({"/schemas/ids/1": (302, "http://127.0.0.1:1/")}, "fails (HTTP 302)"),
    ],
)
def test_whatever_else_it_answers_stops_the_run_with_one_line(answers: dict[str, Any], says: str) -> None:
    with serving(answers) as served, pytest.raises(RegistryUnavailable) as stopped:
        registry(served.url, user="app", password=SECRET).schema("ids/1")
    assert stopped.value.kind is IncidentKind.SCHEMA_REGISTRY_FAILED
    assert says in str(stopped.value)
    assert served.url in str(stopped.value)
    assert "\n" not in str(stopped.value)
    assert SECRET not in str(stopped.value)


def test_a_registry_that_is_away_is_asked_a_few_times() -> None:
    waited: list[float] = []
    with pytest.raises(RegistryUnavailable, match=r"does not answer .*refused.*: start it"):
        Registry(Access(f"http://127.0.0.1:{free_port('127.0.0.1')}"), waited.append).schema("ids/1")
    assert waited == list(PAUSES_SECONDS)


def test_a_failure_that_passes_is_no_failure() -> None:
    with serving({"/schemas/ids/1": [(503, None), (429, None), {"schema": "7"}]}) as served:
        assert registry(served.url).schema("ids/1").text == "7"


def test_a_refused_login_is_not_tried_again() -> None:
    with serving({"/schemas/ids/1": (401, None)}) as served:
        with pytest.raises(RegistryUnavailable):
            registry(served.url).schema("ids/1")
        assert len(served.asked) == 1


@pytest.mark.parametrize(
    ("access", "header"),
    [
        ({}, None),
        ({"user": "app", "password": "secret"}, "Basic YXBwOnNlY3JldA=="),
        ({"token": "secret"}, "Bearer secret"),
    ],
)
def test_a_login_is_sent_as_the_registry_wants_it(access: dict[str, str], header: str | None) -> None:
    with serving({"/schemas/ids/1": {"schema": "7"}}) as served:
        registry(served.url, **access).schema("ids/1")
    assert served.asked == [("/schemas/ids/1", header)]


def test_settings_are_read_and_secrets_are_not_shown() -> None:
    env = {
        "SCHEMA_REGISTRY_URL": "https://registry.example.com/",
        "SCHEMA_REGISTRY_USER": "app",
        "SCHEMA_REGISTRY_PASSWORD": SECRET,
        "SCHEMA_REGISTRY_CA_LOCATION": "/etc/ca.pem",
    }
    access = read_access(env)
    assert access == Access("https://registry.example.com", "app", SECRET, None, "/etc/ca.pem")
    assert SECRET not in repr(access) + repr(Access("http://a", token=SECRET))
    assert has_registry(env)
    assert not has_registry({})


@pytest.mark.parametrize(
    ("env", "names"),
    [
        ({}, "SCHEMA_REGISTRY_URL is not set"),
        ({"SCHEMA_REGISTRY_URL": "registry:8081"}, "SCHEMA_REGISTRY_URL must be"),
        ({"SCHEMA_REGISTRY_URL": f"https://app:{SECRET}@registry"}, "SCHEMA_REGISTRY_URL must be"),
        ({"SCHEMA_REGISTRY_URL": "http://a", "SCHEMA_REGISTRY_USER": "app"}, "SCHEMA_REGISTRY_PASSWORD"),
        ({"SCHEMA_REGISTRY_URL": "http://a", "SCHEMA_REGISTRY_PASSWORD": SECRET}, "SCHEMA_REGISTRY_USER"),
        (
            {"SCHEMA_REGISTRY_URL": "http://a", "SCHEMA_REGISTRY_USER": "app", "SCHEMA_REGISTRY_TOKEN": SECRET},
            "SCHEMA_REGISTRY_TOKEN",
        ),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_repeated(env: dict[str, str], names: str) -> None:
    with pytest.raises(SettingError, match=names) as wrong:
        read_access(env)
    assert SECRET not in str(wrong.value)


def test_authorities_that_cannot_be_read_are_named() -> None:
    with pytest.raises(SettingError, match=r"SCHEMA_REGISTRY_CA_LOCATION: /nowhere/ca\.pem"):
        Registry(Access("https://registry.example.com", authorities="/nowhere/ca.pem"))


def test_what_a_task_raised_is_told_from_the_text_that_spark_makes_of_it() -> None:
    raised = RegistryUnavailable("the schema registry at http://a does not answer: start it.")
    text = f"""An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "registry.py", line 7, in _ask
{RegistryUnavailable.__module__}.{RegistryUnavailable.__qualname__}: {raised}

    at org.apache.spark.api.python.BasePythonRunner"""
    assert str(raised_by_a_task(text)) == str(raised)
    assert raised_by_a_task("ValueError: another") is None
