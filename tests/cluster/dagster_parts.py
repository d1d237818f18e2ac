"""PostgreSQL, and Dagster's code location, daemon and webserver: each on a machine of its own, as in a deployment.

Belongs here: their start, and what the webserver says of them. Does not belong here: the rest of the platform (stack).
"""

import json
import secrets
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

from spark_jobs.settings import BY_LEASE
from tests.architecture.sources import ROOT
from tests.cluster.network import Host, Process, Word
from tests.cluster.stack import Cluster, Driver

CODE_PORT, UI_PORT, DATABASE_PORT = 4266, 3000, 5432
_COMPOSE = ROOT / "deploy" / "compose"
_NOBODY = "65534"
_LOADED = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)
_RUNS = "{ runsOrError { ... on Runs { results { jobName status } } } }"


def database_binaries() -> Path | None:
    """The folder of PostgreSQL's programs; None where there is none."""
    places = [Path(found).resolve().parent for found in (shutil.which("postgres"),) if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "postgres").exists() and (place / "initdb").exists()), None)


@dataclass
class DagsterParts:
    """Four machines. Runs of the streaming job are processes on that of the code location."""

    cluster: Cluster
    database: Host
    code: Driver
    daemon: Driver
    webserver: Driver
    shift_seconds: int
    _password: str = field(default_factory=lambda: secrets.token_hex(16))
    _running: dict[str, Process] = field(default_factory=dict)

    def start(self) -> None:
        """All of them; returns once the webserver has loaded the code location."""
        self._make_database()
        self.start_database()
        self.start_code()
        self.start_daemon()
        self.start_webserver()
        self._running["webserver"].until(self.is_loaded)

    def look(self) -> None:
        """Start again what has ended by itself, as an operator's system does: they may where the database is away."""
        for part, start in (
            ("code-location", self.start_code),
            ("daemon", self.start_daemon),
            ("webserver", self.start_webserver),
        ):
            if not self._running[part].lives():
                start()

    def start_database(self) -> None:
        """PostgreSQL on what it has on disk."""
        started = self._as_nobody("postgres", "-D", self.database.here / "data")
        asked = [str(_binary("pg_isready")), "-h", self.database.address, "-p", str(DATABASE_PORT)]
        started.until(lambda: subprocess.run(asked, check=False, capture_output=True).returncode == 0)

    def start_code(self) -> None:
        """The code location's server."""
        self._start(self.code, "code-location", *_listen(self.code, CODE_PORT))
        self._running["code-location"].until(lambda: self.code.host.answers(CODE_PORT))

    def start_daemon(self) -> None:
        """What evaluates sensors and launches runs."""
        self._start(self.daemon, "daemon", "run", *_workspace(self.daemon))

    def start_webserver(self) -> None:
        """What people look at; nothing depends on it."""
        self._start(self.webserver, "webserver", *_listen(self.webserver, UI_PORT), *_workspace(self.webserver))

    def is_loaded(self) -> bool:
        """Whether the webserver answers, and has the code location's definitions."""
        with suppress(OSError, HTTPException, ValueError, KeyError, TypeError):
            entries = self._ask(_LOADED)["workspaceOrError"]["locationEntries"]
            return [(e["loadStatus"], e["locationOrLoadError"]["__typename"]) for e in entries] == [
                ("LOADED", "RepositoryLocation")
            ]
        return False

    def runs(self) -> list[tuple[str, str]]:
        """Job and status of each run, newest first, as the webserver has them from the database."""
        return [(run["jobName"], run["status"]) for run in self._ask(_RUNS)["runsOrError"]["results"]]

    def output(self) -> str:
        """The end of what each wrote."""
        logs = sorted(path for host in self._hosts() for path in host.folder.glob("*.log"))
        return "\n".join(f"{path.parent.name}/{path.name}: {path.read_text(errors='replace')[-2500:]}" for path in logs)

    def _hosts(self) -> Sequence[Host]:
        return self.database, self.code.host, self.daemon.host, self.webserver.host

    def _make_database(self) -> None:
        (self.database.folder / "password").write_text(self._password)
        secret = f"--pwfile={self.database.here / 'password'}"
        named = (
            "-D",
            self.database.here / "data",
            "--username=dagster",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            secret,
        )
        assert (done := self._as_nobody("initdb", *named)).end() == 0, done.output()[-2000:]
        data = self.database.folder / "data"
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all dagster samenet scram-sha-256\n")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(f"listen_addresses = '{self.database.address}'\nport = {DATABASE_PORT}\n")
            settings.write(f"unix_socket_directories = '{self.database.here}'\nshared_buffers = 32MB\n")

    def _as_nobody(self, program: str, *arguments: Word) -> Process:
        """PostgreSQL refuses root: root is called nobody there."""
        prelude = ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
        return self.database.start(program, [*prelude, _binary(program), *arguments], has_code=False)

    def _start(self, machine: Driver, part: str, *arguments: str) -> None:
        home = machine.host.folder / "dagster"
        if not home.exists():
            home.mkdir()
            (home / "dagster.yaml").write_text(yaml.safe_dump(self._instance(machine)))
            (home / "workspace.yaml").write_text(yaml.safe_dump(self._locations()))
        env = {
            "DAGSTER_HOME": str(machine.host.here / "dagster"),
            "DAGSTER_POSTGRES_PASSWORD": self._password,
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "PAYMENTS_SHIFT_MAX_SECONDS": str(self.shift_seconds),
            # A second driver is more than two cores have room for, and dbt, too.
            "PAYMENTS_STANDBY": "off",
            "PAYMENTS_BUILD_INTERVAL_SECONDS": "86400",
        }
        command = ("orchestration.platform.parts", part, *arguments)
        self._running[part] = machine.start(*command, env=env, name=part, turn=BY_LEASE)

    def _instance(self, machine: Driver) -> Any:
        """As the compose file has it, but for addresses."""
        found = yaml.safe_load((_COMPOSE / "dagster.yaml").read_text())
        found["storage"]["postgres"]["postgres_db"] |= {"hostname": self.database.address, "db_name": "postgres"}
        found["local_artifact_storage"]["config"]["base_dir"] = str(machine.host.here / "dagster")
        return found

    def _locations(self) -> Any:
        found = yaml.safe_load((_COMPOSE / "workspace.yaml").read_text())
        found["load_from"][0]["grpc_server"] |= {"host": self.code.host.address}
        return found

    def _ask(self, query: str) -> Any:
        url = f"http://{self.webserver.host.address}:{UI_PORT}/graphql"
        request = Request(url, json.dumps({"query": query}).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["data"]


def _binary(program: str) -> Path:
    binaries = database_binaries()
    assert binaries
    return binaries / program


def _listen(machine: Driver, port: int) -> tuple[str, ...]:
    return "--host", machine.host.address, "--port", str(port)


def _workspace(machine: Driver) -> tuple[str, str]:
    return "--workspace", str(machine.host.here / "dagster" / "workspace.yaml")


def dagster_parts(cluster: Cluster, shift_seconds: int) -> DagsterParts:
    """Their machines, with nothing running."""
    code, daemon, webserver = (cluster.driver(name) for name in ("code", "daemon", "webserver"))
    return DagsterParts(cluster, cluster.network.host("database"), code, daemon, webserver, shift_seconds)
