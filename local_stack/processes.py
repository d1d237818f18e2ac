"""Detached child processes: spawn one with a log and a pid file, ask whether it lives, wait until it is ready, stop it.

Belongs here: what any child of the local stack needs. Does not belong here: anything about Kafka or BigQuery.
"""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

_POLL_SECONDS = 0.05
_KILL_SECONDS = 10.0

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very process: they must be reaped, or they would stay behind as zombies."""


class _Record(NamedTuple):
    pid: int
    identity: str
    value: str


class StackError(RuntimeError):
    """A part of the local stack cannot do what was asked. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A named background process, known by its pid file. Its state is on disk, so any process may stop it.

    Where a setting decides where it listens, its name and value are noted when it starts, for whoever asks elsewhere.
    """

    name: str
    home: Path
    setting: str = ""
    value: str = ""

    @property
    def pid_file(self) -> Path:
        """Holds pid, identity and machine boot of the process."""
        return self.home / "run" / f"{self.name}.pid"

    @property
    def log_file(self) -> Path:
        """Everything that the process prints, of all its starts."""
        return self.home / "logs" / f"{self.name}.log"

    def pid(self) -> int | None:
        """The process's pid while it lives; never that of a process which only inherited the number."""
        record = self._living()
        return None if record is None else record.pid

    def elsewhere(self) -> str | None:
        """The setting's value that the living process was started with, where both are known and differ."""
        record = self._living()
        return record.value if record and record.value and self.value and record.value != self.value else None

    def refuse_elsewhere(self) -> None:
        """Raises StackError where the process lives elsewhere: to go on would be to move it from under its users."""
        if found := self.elsewhere():
            raise StackError(
                f"{self.name} of {self.home} runs already, with {self.setting}={found} (here it is {self.value}): "
                "set it to that, or run `payments down` first."
            )

    def spawn(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        """Start `command` in a session of its own: closing the terminal does not end it."""
        for folder in (self.pid_file.parent, self.log_file.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            child = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=None if env is None else dict(env),
                start_new_session=True,
            )
        _children[child.pid] = child
        record = {"pid": child.pid, "identity": process_identity(child.pid), "value": self.value}
        scratch = self.pid_file.with_suffix(".new")
        scratch.write_text(json.dumps(record))
        scratch.replace(self.pid_file)

    def ensure(self, launch: Callable[[], None], is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return once `is_ready()`; `launch()` it where it does not live, dies at once, or is stuck.

        Raises:
            StackError: it lives elsewhere, or does not get ready.
        """
        with self.locked():
            self.refuse_elsewhere()
            if self.pid() is not None:
                with suppress(StackError):
                    self.wait_until(is_ready, timeout_seconds)
                    return
            launch()
            self.wait_until(is_ready, timeout_seconds)

    def wait_until(self, is_ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return once `is_ready()`.

        Raises:
            StackError: when the process dies first, with its last words, or when the time is up (it is then stopped).
        """
        deadline = time.monotonic() + timeout_seconds
        while not is_ready():
            if self.pid() is None:
                raise StackError(f"{self.name} stopped while starting: {self.last_line()} (log: {self.log_file})")
            if time.monotonic() > deadline:
                self.stop()
                raise StackError(f"{self.name} was not ready after {timeout_seconds:.0f} s (log: {self.log_file})")
            time.sleep(_POLL_SECONDS)

    def stop(self, grace_seconds: float = 30.0) -> None:
        """SIGTERM, then SIGKILL after `grace_seconds`; what the process has left behind in its group goes with it."""
        pid = self.pid()
        if pid is not None:
            _signal(pid, signal.SIGTERM)
            if not _gone(pid, grace_seconds):
                _signal(pid, signal.SIGKILL)
                if not _gone(pid, _KILL_SECONDS):
                    raise StackError(f"{self.name} (pid {pid}) cannot be stopped: look at it with ps.")
        record = self._record()
        if record is not None and _is_orphaned_group(record.pid, record.identity):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(record.pid, signal.SIGKILL)
        self.pid_file.unlink(missing_ok=True)

    def last_line(self) -> str:
        """The last line of the log that says anything."""
        try:
            text = self.log_file.read_bytes()[-4096:].decode(errors="replace")
        except FileNotFoundError:
            text = ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it left no word"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time starts or stops this daemon."""
        self.pid_file.parent.mkdir(parents=True, exist_ok=True)
        with self.pid_file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _living(self) -> "_Record | None":
        record = self._record()
        return None if record is None or process_identity(record.pid) != record.identity else record

    def _record(self) -> "_Record | None":
        try:
            record = json.loads(self.pid_file.read_text())
            return _Record(int(record["pid"]), str(record["identity"]), str(record.get("value", "")))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def process_identity(pid: int) -> str | None:
    """What tells this process from any other that ever has the same pid; None where it is dead or a zombie."""
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _identity_by_ps(pid)
    state, *fields = stat.rpartition(")")[2].split()
    threads, started_at = fields[16], fields[18]
    # A leader that is a zombie may have threads which still hold its ports.
    return None if state in "ZX" and int(threads) <= 1 else f"{_boot_id()}/{started_at}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_port_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _gone(pid: int, timeout_seconds: float) -> bool:
    deadline = time.monotonic() + timeout_seconds
    while process_identity(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_orphaned_group(pid: int, identity: str) -> bool:
    """Whether the group can only be ours: its leader is gone, and a number in use as a group's is never given again."""
    return process_identity(pid) is None and identity.startswith(f"{_boot_id()}/")


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except FileNotFoundError:
        return "unknown"


def _identity_by_ps(pid: int) -> str | None:
    """For systems without /proc. `ps` gives a start time to the second."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split(maxsplit=1)
    return None if len(answer) < 2 or answer[0].startswith("Z") else f"{_boot_id()}/{answer[1].strip()}"
