"""The local warehouse: BigQuery's REST API answered by local-bigquery, in an environment of its own.

Belongs here: its start, stop and health. Does not belong here: datasets, tables, queries; nor the server's own code
(server, which runs inside that environment).
"""

import os
import re
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import ProxyHandler, build_opener

from local_stack.bigquery.patches import registry
from local_stack.processes import Daemon, StackError, is_loopback, is_port_free

DEFAULT_KEEP_MINUTES = "60"
_KEEP_MINUTES = re.compile(r"\d{1,6}(\.\d{1,3})?")
DEFAULT_MEMORY = "1GB"
_MEMORY = re.compile(r"[1-9]\d{0,4}(MB|GB)")
_ANSWER_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Warehouse:
    """The warehouse at `endpoint` (http://host:port), whose default project is `project`.

    `patches` is what it is started with, as PAYMENTS_WAREHOUSE_PATCHES has it; None: what the environment has.
    """

    home: Path
    endpoint: str
    project: str
    patches: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether the local stack is the one to run it."""
        return is_loopback(self._url.hostname or "")

    @property
    def log_file(self) -> Path:
        """What the server prints."""
        return self._daemon.log_file

    @property
    def chosen_patches(self) -> str:
        """The patches that a start takes: all, none, or their names. Raises StackError where one has no such name."""
        setting = self.patches or os.environ.get("PAYMENTS_WAREHOUSE_PATCHES") or registry.EVERY
        try:
            return registry.named(registry.chosen(setting))
        except ValueError as error:
            raise StackError(str(error)) from None

    def running_patches(self) -> str | None:
        """The patches that our living server was started with; None where none lives."""
        try:
            return None if self.pid() is None else self._patches_file.read_text()
        except FileNotFoundError:
            return None

    def pid(self) -> int | None:
        """The server's pid while the local stack's own lives."""
        return self._daemon.pid()

    def elsewhere(self) -> str | None:
        """The endpoint of the local stack's own, where it lives at another than ours."""
        return self._daemon.elsewhere()

    def is_up(self) -> bool:
        """Whether the API answers, and, where it is ours to run, whether our own process lives."""
        return (not self.is_local or self.pid() is not None) and self._answers()

    def start(self, timeout_seconds: float = 60) -> None:
        """Return once the API answers; start it where it is ours and not up.

        Raises:
            StackError: not set up, port taken, it died, lives elsewhere or with other patches, or an external endpoint
                does not answer.
        """
        if not self.is_local:
            if not self.is_up():
                raise StackError(
                    f"No warehouse answers at BIGQUERY_EMULATOR_HOST={self.endpoint}, and the local stack runs one "
                    "only on a loopback address such as http://127.0.0.1:9050: it has no authentication."
                )
            return
        running, patches = self.running_patches(), self.chosen_patches
        if running not in (None, patches):
            raise StackError(
                f"The warehouse of {self.home} runs already, with {registry.SETTING}={running} (here it is {patches}): "
                "set it to that, or run `payments down` first."
            )
        self._daemon.ensure(self._launch, self.is_up, timeout_seconds)

    def stop(self) -> None:
        """Stop our server; nothing happens where none runs, or where the endpoint is external."""
        with self._daemon.locked():
            self._daemon.stop()

    @property
    def _daemon(self) -> Daemon:
        at = self.endpoint.rstrip("/").replace("localhost", "127.0.0.1")
        return Daemon("bigquery", self.home, setting="BIGQUERY_EMULATOR_HOST", value=at)

    @property
    def _patches_file(self) -> Path:
        return self._daemon.pid_file.with_suffix(".patches")

    @property
    def _url(self) -> SplitResult:
        return urlsplit(self.endpoint)

    def _launch(self) -> None:
        host, port = self._listen_address()
        python = self.home / "warehouse-env" / "bin" / "python"
        if not python.exists():
            raise StackError(f"The warehouse's environment is not in {python.parent.parent}: run `make setup`.")
        if not is_port_free(host, port):
            raise StackError(
                f"Port {port} of {host} is taken by another program: "
                "set BIGQUERY_EMULATOR_HOST to a free one, such as http://127.0.0.1:9150."
            )
        keep = os.environ.get("PAYMENTS_WAREHOUSE_KEEP_MINUTES") or DEFAULT_KEEP_MINUTES
        if not _KEEP_MINUTES.fullmatch(keep) or not float(keep):
            raise StackError(f"PAYMENTS_WAREHOUSE_KEEP_MINUTES must be a number above zero such as 60, not {keep!r}.")
        memory = os.environ.get("PAYMENTS_WAREHOUSE_MEMORY") or DEFAULT_MEMORY
        if not _MEMORY.fullmatch(memory):
            raise StackError(f"PAYMENTS_WAREHOUSE_MEMORY must look like 512MB or 2GB, not {memory!r}.")
        server = Path(__file__).with_name("server.py")
        folder = self.home / "bigquery"
        folder.mkdir(parents=True, exist_ok=True)
        patches = self.chosen_patches
        options = ["--host", host, "--port", str(port), "--project", self.project, "--data-dir", str(folder / "data")]
        options += ["--keep-minutes", keep, "--memory", memory, "--patches", patches]
        options += ["--object-store", os.environ.get("STORAGE_EMULATOR_HOST") or ""]
        # -I and a bare environment: nothing of ours may become a setting or a package of the server. DuckDB keeps its
        # extensions in HOME.
        env = {"HOME": str(folder), "PATH": os.defpath, "TZ": "UTC"}
        self._daemon.spawn([python, "-I", server, *options], env=env)
        self._patches_file.write_text(patches)

    def _listen_address(self) -> tuple[str, int]:
        url = self._url
        try:
            host, port = url.hostname, url.port
        except ValueError:
            host = port = None
        if url.scheme != "http" or not host or not port or url.path not in ("", "/"):
            raise StackError(f"BIGQUERY_EMULATOR_HOST must look like http://127.0.0.1:9050, not {self.endpoint}")
        return ("127.0.0.1" if host == "localhost" else host), port

    def _answers(self) -> bool:
        address = f"{self.endpoint.rstrip('/')}/bigquery/v2/projects/{self.project}/datasets?maxResults=1"
        try:
            with build_opener(ProxyHandler({})).open(address, timeout=_ANSWER_SECONDS) as answer:
                return bool(answer.status == 200)
        except (URLError, HTTPException, OSError):
            return False
