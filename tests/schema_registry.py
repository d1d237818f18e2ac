"""A real schema registry: Apicurio, from Maven, with nothing but what it keeps in memory.

It is fetched on first use, into the folder of all jars: 158 MB that nothing but its test needs.
"""

import json
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local_stack.processes import free_port
from tests.from_maven import fetch, folder_of

COORDINATES = "io.apicurio:apicurio-registry-app:3.3.3:tar.gz:all"
SHA256 = "8bc6751c76d963734224b01d5e7f84ccb3cb61c87d3bd77c36c35f10a5cbed63"
JAVA = 21
_START_SECONDS = 120
_HOST = "127.0.0.1"


class ApicurioRegistry:
    """A registry on a free port; it can be started, and stopped."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._java, self._folder, self._log = _java(), folder, log
        self._port = free_port(_HOST)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://{_HOST}:{self._port}/apis/ccompat/v7"

    def start(self) -> None:
        """It knows nothing yet; one that runs goes on, with what it knows."""
        if self._process:
            return
        options = {
            "quarkus.http.host": _HOST,
            "quarkus.http.port": self._port,
            "quarkus.management.host": _HOST,
            "quarkus.management.port": free_port(_HOST),
        }
        command = [
            self._java,
            "-Xmx512m",
            "-XX:+UseSerialGC",
            *(f"-D{name}={value}" for name, value in options.items()),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "-jar", "quarkus-run.jar"], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + _START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"the registry ended: {self._log.read_text()[-2000:]}"
            assert time.monotonic() < until, f"the registry does not answer: {self._log.read_text()[-2000:]}"
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def register(self, subject: str, schema: dict[str, Any]) -> int:
        """Register a schema under a subject; its id."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.url}/subjects/{subject}/versions",
            json.dumps(schema).encode(),
            {"Content-Type": "application/vnd.schemaregistry.v1+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return int(json.load(answer)["id"])
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{subject} was not registered: {error.read().decode()}")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/schemas/types", timeout=5):  # noqa: S310
                return True
        except OSError:
            return False


@contextmanager
def stopped_registry(log: Path) -> Iterator[ApicurioRegistry]:
    """A registry that was not started yet; it is stopped in the end."""
    registry = ApicurioRegistry(_fetched(folder_of("registry")), log)
    try:
        yield registry
    finally:
        registry.stop()


def _fetched(folder: Path) -> Path:
    if not (folder / "quarkus-run.jar").is_file():
        fresh = folder.with_name("registry.new")
        shutil.rmtree(fresh, ignore_errors=True)
        archive = fetch(COORDINATES, SHA256, fresh)
        with tarfile.open(archive) as files:
            files.extractall(fresh, filter="data")
        archive.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    return folder


def _java() -> str:
    found = [shutil.which("java"), *sorted(map(str, Path("/usr/lib/jvm").glob("*/bin/java")), reverse=True)]
    for java in filter(None, found):
        version = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
        number = version.partition('version "')[2].partition('"')[0].split(".")[0]
        if number.isdigit() and int(number) >= JAVA:
            return java
    pytest.skip(f"Java {JAVA} is not found, and the schema registry needs it")
