"""Machines made of Linux's namespaces: each has an address of its own, and folders that no other sees.

Belongs here: making them, starting and killing what runs on them, cutting them off. Does not belong here: what runs.
The pid of the process that made them is in all their names: what one left that was killed, the next takes away.
"""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.processes import cpu_seconds
from spark_jobs.settings import payments_home
from tests.architecture.sources import ROOT

type Word = str | Path
"""Of a command."""

LIMIT_SECONDS = 300.0
POLL_SECONDS = 0.1
_PREFIX = "pay"
_OURS = ("spark_jobs", "orchestration", "simulator", "local_stack", "tests", "benchmarks", "handbook", "dbt_project")


def why_not() -> str | None:
    """Why no namespaces can be made here, in one line; None where they can."""
    for tool in ("ip", "mount", "sh"):
        if shutil.which(tool) is None:
            return f"{tool} is missing: apt-get install iproute2 mount"
    if os.geteuid():
        return "network namespaces need root"
    probe = f"{_PREFIX}{os.getpid()}probe"
    made = _try("netns", "add", probe)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip().splitlines()[-1]}"
    _ip("netns", "del", probe)
    return None


@dataclass
class Host:
    """One machine. `folder` is its own; on the machine itself it is `here`, as on every other."""

    name: str
    namespace: str
    address: str
    folder: Path
    here: Path
    hidden: tuple[Path, ...]
    _running: list["Process"] = field(default_factory=list)

    def start(
        self, name: str, command: Sequence[Word], env: Mapping[str, str] | None = None, *, has_code: bool = True
    ) -> "Process":
        """Start a process on it, in the folder `here`; without the product's code unless `has_code`."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        ours = [*(ROOT / name for name in _OURS), (payments_home() / "jars").resolve()]
        hidden = [*self.hidden, *(() if has_code else ours)]
        # `ip netns exec` gives a mount namespace of its own, whose mounts nobody else sees.
        steps = [f"mount --bind {shlex.quote(str(self.folder))} {shlex.quote(str(self.here))}"]
        steps += [f"mount -t tmpfs none {shlex.quote(str(path))}" for path in hidden if path.is_dir()]
        steps += [f"cd {shlex.quote(str(self.here))}", 'exec "$@"']
        prelude = ["ip", "netns", "exec", self.namespace, "sh", "-ec", " && ".join(steps), "sh"]
        own = {"PATH": os.environ["PATH"], "HOME": str(self.here), "TMPDIR": str(self.here / "tmp"), "TZ": "UTC"}
        log = self.folder / f"{name}.log"
        with log.open("ab") as stream:
            started = subprocess.Popen(
                [*prelude, *map(str, command)],
                env={**own, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        process = Process(started, log)
        self._running.append(process)
        return process

    def kill(self) -> None:
        """All that runs on it, at once, also what has left the process group of who started it."""
        _kill_all_in(self.namespace)
        for process in self._running:
            process.kill()

    def cpu_seconds(self) -> float:
        """Of all that runs on it, ended children included."""
        return cpu_seconds(*_pids_in(self.namespace))

    def answers(self, port: int) -> bool:
        """Whether something listens there."""
        with suppress(OSError), socket.create_connection((self.address, port), timeout=2):
            return True
        return False


@dataclass
class Process:
    """A process on a host, with all that it starts."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """The process and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """To the process alone."""
        self.process.send_signal(number)

    def lives(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        """All that it wrote."""
        return self.log.read_text(errors="replace")

    def end(self, seconds: float = LIMIT_SECONDS) -> int:
        """Wait until it has ended by itself; its exit code."""
        return self.process.wait(seconds)

    def until(self, condition: Callable[[], bool], seconds: float = LIMIT_SECONDS) -> None:
        """Wait for it while the process lives."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.lives(), self.output()[-4000:]
            assert time.monotonic() < deadline, self.output()[-4000:]
            time.sleep(POLL_SECONDS)


class Network:
    """Hosts on one switch, which this machine is connected to as well."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._prefix = folder, f"{_PREFIX}{os.getpid()}"
        self._hub = f"{self._prefix}hub"
        self._subnet = _free_subnet()
        self.hosts: list[Host] = []
        self.address = f"{self._subnet}.1"
        (folder / "here").mkdir(parents=True)
        (folder / "hosts").mkdir()

    def connect(self) -> None:
        """Make the switch, and connect this machine."""
        _ip("netns", "add", self._hub)
        _ip("-n", self._hub, "link", "add", "switch", "type", "bridge")
        _ip("-n", self._hub, "link", "set", "switch", "up")
        _ip("link", "add", f"{self._prefix}r", "type", "veth", "peer", "name", "root", "netns", self._hub)
        _ip("-n", self._hub, "link", "set", "root", "master", "switch")
        _ip("-n", self._hub, "link", "set", "root", "up")
        _ip("addr", "add", f"{self.address}/24", "dev", f"{self._prefix}r")
        _ip("link", "set", f"{self._prefix}r", "up")

    def host(self, name: str) -> Host:
        """One more machine."""
        number = len(self.hosts) + 10
        namespace, address, cable = f"{self._prefix}{name}", f"{self._subnet}.{number}", f"h{number}"
        folder = self._folder / "hosts" / name
        folder.mkdir()
        here = self._folder / "here"
        made = Host(name, namespace, address, folder, here, (self._folder / "hosts",))
        self.hosts.append(made)
        _ip("netns", "add", namespace)
        _ip("-n", self._hub, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self._hub, "link", "set", cable, "master", "switch")
        _ip("-n", self._hub, "link", "set", cable, "up")
        for device in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", device, "up")
        _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        return made

    def close(self) -> None:
        """End all that runs, and take the machines away; whatever is there."""
        for host in self.hosts:
            host.kill()
        # With the switch it would go at some time, and the next network has one of its name.
        _try("link", "del", f"{self._prefix}r")
        for namespace in [*(host.namespace for host in self.hosts), self._hub]:
            _take_away(namespace)


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network that is taken away at the end, whatever happened."""
    take_away_what_the_dead_left()
    made = Network(folder)
    try:
        made.connect()
        yield made
    finally:
        made.close()


def take_away_what_the_dead_left() -> None:
    """Machines whose maker was killed, with all that runs on them."""
    for name in _try("netns", "list").stdout.split():
        maker = re.match(rf"{_PREFIX}(\d+)[a-z]", name)
        if maker and not Path(f"/proc/{maker[1]}").exists():
            _take_away(name)


def _take_away(namespace: str) -> None:
    _kill_all_in(namespace)
    _try("netns", "del", namespace)


def _kill_all_in(namespace: str) -> None:
    """Nothing else is ever in a namespace than what was started there."""
    for pid in _pids_in(namespace):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _pids_in(namespace: str) -> list[int]:
    return [int(pid) for pid in _try("netns", "pids", namespace).stdout.split()]


def _free_subnet() -> str:
    taken = _try("-o", "addr").stdout
    numbers = (os.getpid() + step for step in range(250))
    return next(subnet for number in numbers if f"{(subnet := f'10.213.{number % 250}')}." not in taken)


def _ip(*arguments: str) -> None:
    done = _try(*arguments)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"


def _try(*arguments: str) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("ip") or "ip"
    return subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
