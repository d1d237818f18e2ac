"""A Kubernetes API server of one test's own, of the tools that `make chart-tools` builds.

Belongs here: starting them. Does not belong here: what is asked of them.
"""

import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

from local_stack.processes import free_port
from tests.built_tools import find

STARTED_SECONDS = 120.0
_TOKEN = "the-token-of-a-test"  # noqa: S105
_ADMIN = f'{_TOKEN},admin,1,"system:masters"\n'


@dataclass(frozen=True)
class ApiServer:
    """One that answers, with its own etcd."""

    port: int
    authority: Path

    def ask(self, method: str, path: str, body: Any = None, token: str = _TOKEN) -> tuple[int, dict[str, Any]]:
        """Status and answer of one request."""
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()


def path_of(kind: str, version: str, namespace: str) -> str:
    """Where objects of a kind are created."""
    plural = {"NetworkPolicy": "networkpolicies"}.get(kind, f"{kind.lower()}s")
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{group}/namespaces/{namespace}/{plural}"


def missing() -> str | None:
    """Why no API server can be started here, in one line; None where one can."""
    for tool, how in (
        ("kube-apiserver", "run `make chart-tools` where Go is"),
        ("etcd", "install Debian's etcd-server"),
    ):
        if not find(tool):
            return f"{tool} is not found: {how}"
    return None


@contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """etcd and kube-apiserver on free ports, until the end of the block."""
    etcd_port, peer_port, port = (free_port("127.0.0.1") for _ in range(3))
    etcd = f"http://127.0.0.1:{etcd_port}"
    key = folder / "accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)  # noqa: S607
    (folder / "tokens.csv").write_text(_ADMIN)
    commands = [
        [
            *(
                "etcd",
                "--data-dir",
                str(folder / "etcd"),
                "--listen-client-urls",
                etcd,
                "--advertise-client-urls",
                etcd,
            ),
            *("--listen-peer-urls", f"http://127.0.0.1:{peer_port}", "--unsafe-no-fsync"),
        ],
        [
            *("kube-apiserver", "--etcd-servers", etcd, "--secure-port", str(port), "--bind-address", "127.0.0.1"),
            *("--cert-dir", str(folder / "certificates"), "--token-auth-file", str(folder / "tokens.csv")),
            *("--service-account-key-file", str(key), "--service-account-signing-key-file", str(key)),
            *("--service-account-issuer", "https://kubernetes.default.svc", "--authorization-mode", "RBAC"),
            *("--service-cluster-ip-range", "10.0.0.0/24", "--disable-admission-plugins", "ServiceAccount"),
        ],
    ]
    processes = []
    try:
        for command in commands:
            with (folder / f"{command[0]}.log").open("wb") as log:
                program = find(command[0])
                assert program
                processes.append(subprocess.Popen([program, *command[1:]], stdout=log, stderr=log))
        server = ApiServer(port, folder / "certificates" / "apiserver.crt")
        _wait(server, processes, folder)
        yield server
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(30)


def _wait(server: ApiServer, processes: list[subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + STARTED_SECONDS
    while time.monotonic() < deadline:
        dead = [process for process in processes if process.poll() is not None]
        assert not dead, "".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
        try:
            if server.ask("GET", "/api/v1/namespaces/default")[0] == 200:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    raise AssertionError(f"no answer within {STARTED_SECONDS} s: {(folder / 'kube-apiserver.log').read_text()[-2000:]}")
