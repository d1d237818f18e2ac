"""One contender, once: started in a process and an environment of its own, metered, held against the oracle.

Belongs here: the contenders, and how one of them is run. Does not belong here: rounds and tables (bench), what a
contender does (ours, a peer of its own).
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness.figures import ROOT
from benchmarks.harness.processes import cpu_seconds, folder_bytes, resident_bytes

PEERS = ROOT / "benchmarks" / "peers"
_SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Contender:
    """Ours or a peer. `environment` is its folder's name below PAYMENTS_HOME/peers; None for our own."""

    name: str
    title: str
    environment: str | None
    output: str
    has_checkpoint: bool = True


OURS = Contender("payments", "ours: tagged, ledgered, in the warehouse", None, "warehouse")
CONTENDERS = (
    OURS,
    Contender("spark", "stock Spark, to Delta", "spark", "delta"),
    Contender("flink", "PyFlink SQL, to Parquet", "flink", "parquet"),
    Contender("quix", "Quix Streams, to Parquet", "quix", "parquet"),
    Contender("duckdb_loop", "a loop by hand with DuckDB, to Parquet", "duckdb_loop", "parquet", has_checkpoint=False),
)


@dataclass(frozen=True, slots=True)
class Task:
    """What every contender drains: two topics and where each ends."""

    bootstrap_servers: str
    warm_topic: str
    warm_ends: dict[int, int]
    topic: str
    ends: dict[int, int]

    @property
    def records(self) -> int:
        """Of the large topic."""
        return sum(self.ends.values())


@dataclass(slots=True)
class Reading:
    """One run of one contender. CPU is in seconds; `disk_bytes` is the most that its state took on disk."""

    cold_seconds: float = 0.0
    seconds: float = 0.0
    cpu: float = 0.0
    cold_cpu: float = 0.0
    broker_cpu: float = 0.0
    peak_bytes: int = 0
    disk_bytes: int = 0
    report: dict[str, Any] = field(default_factory=dict)


class Failed(Exception):
    """A contender did not come to its end. The message is one line."""


class _Silent(Failed):
    """Its output ended before the message that was waited for: whoever started it knows why."""


def python_of(contender: Contender, home: Path) -> Path:
    """The interpreter of the contender's own environment."""
    return home / "peers" / contender.environment / "bin" / "python" if contender.environment else Path(sys.executable)


def run(
    contender: Contender,
    task: Task,
    folder: Path,
    home: Path,
    *,
    broker: int,
    servers: tuple[int, ...] = (),
    env: Mapping[str, str] | None = None,
    timeout_seconds: float = 900,
) -> Reading:
    """Run a contender to its end.

    Args:
        contender: which.
        task: what it drains.
        folder: an empty one, for its output and state.
        home: PAYMENTS_HOME with the environments.
        broker: pid of the broker, whose CPU is told apart.
        servers: pids of what else works for this contender; their CPU counts as its own.
        env: variables beside the process's own.
        timeout_seconds: it is given up after so long.

    Raises:
        Failed: its environment is missing, it died, or the time is up.
    """
    with started(contender, task, folder, home, env=env, timeout_seconds=timeout_seconds) as child:
        return metered(child, folder, broker, servers)


@contextmanager
def started(
    contender: Contender,
    task: Task,
    folder: Path,
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    is_again: bool = False,
    timeout_seconds: float = 900,
) -> Iterator["subprocess.Popen[str]"]:
    """A contender at work; killed, with all that it has started, on leaving or once the time is up.

    Arguments are those of `run`; `is_again` leaves the small topic out, and goes on with what is in the folder.

    Raises:
        Failed: its environment is missing, it died, or the time is up.
    """
    python = python_of(contender, home)
    if not python.exists():
        raise Failed(f"{contender.name} has no environment: run `make peers`.")
    log = home / "logs" / f"bench-{contender.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab" if is_again else "wb") as errors:
        child = subprocess.Popen(
            [python, *_script(contender), *_arguments(task, folder), *(["--again"] if is_again else [])],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(PEERS), str(ROOT))), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    alarm = threading.Timer(timeout_seconds, _kill, [child.pid])
    alarm.start()
    try:
        with child:
            try:
                yield child
            finally:
                _kill(child.pid)
    except _Silent:
        ended = f"ended with {child.wait()}" if alarm.is_alive() else f"was not done after {timeout_seconds:.0f} s"
        raise Failed(f"{contender.name} {ended}: {log.name} among the logs may say why.") from None
    finally:
        alarm.cancel()


def metered(child: "subprocess.Popen[str]", folder: Path, broker: int, servers: tuple[int, ...]) -> Reading:
    """Readings of a contender just started, once it is done; arguments are those of `run`."""
    began = time.monotonic()
    reading, stop = Reading(), threading.Event()
    watch = threading.Thread(target=_watch, args=(reading, stop, child.pid, folder / "full" / "state"))
    watch.start()

    def cpu() -> tuple[float, float, float]:
        return cpu_seconds(child.pid, *servers), cpu_seconds(broker), time.monotonic()

    idle = cpu_seconds(*servers)
    try:
        await_phase(child, "reading")
        own, brokers, at = cpu()
        reading.report = await_phase(child, "done")
        own_after, brokers_after, at_after = cpu()
    finally:
        stop.set()
        watch.join()
    reading.cold_seconds, reading.seconds = at - began, at_after - at
    reading.cold_cpu, reading.cpu, reading.broker_cpu = own - idle, own_after - own, brokers_after - brokers
    return reading


def await_phase(child: "subprocess.Popen[str]", phase: str) -> dict[str, Any]:
    """The contender's message of that phase; whatever else an engine prints is passed over.

    Raises:
        Failed: it ended before it said so.
    """
    assert child.stdout  # noqa: S101 - for the type checker: it is a pipe
    for line in child.stdout:
        with suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict) and message.get("phase") == phase:
                return message
    raise _Silent(phase)


def _watch(reading: Reading, stop: threading.Event, pid: int, state: Path) -> None:
    """Until it is to stop, and once more: some engines delete their state when they are done."""
    is_over = False
    while not is_over:
        is_over = stop.wait(_SAMPLE_SECONDS)
        reading.peak_bytes = max(reading.peak_bytes, resident_bytes(pid))
        reading.disk_bytes = max(reading.disk_bytes, folder_bytes(state))


def _script(contender: Contender) -> list[str]:
    return [str(PEERS / contender.name / "run.py")] if contender.environment else ["-m", "benchmarks.contest.ours"]


def _arguments(task: Task, folder: Path) -> list[str]:
    given = {
        "bootstrap-servers": task.bootstrap_servers,
        "warm-topic": task.warm_topic,
        "warm-ends": json.dumps(task.warm_ends),
        "topic": task.topic,
        "ends": json.dumps(task.ends),
        "folder": str(folder),
    }
    return [word for name, value in given.items() for word in (f"--{name}", value)]


def _kill(leader: int) -> None:
    """The contender, and all that it has started in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
