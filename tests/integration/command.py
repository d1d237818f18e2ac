"""The `payments` command as its user runs it: a process with an environment of its own, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from local_stack.sandbox_home import own_environment
from orchestration.settings import StackSettings, read_stack_settings

PAYMENTS = Path(sys.executable).with_name("payments")
_OURS = ("BIGQUERY_", "CHECKPOINT_", "DAGSTER_", "DBT_", "KAFKA_", "PAYMENTS_", "STAGING_")


@dataclass(frozen=True)
class Command:
    """The command in `folder`, with all that it makes below `folder/home`."""

    folder: Path
    env: dict[str, str]

    @classmethod
    def make(cls, folder: Path, **settings: str) -> "Command":
        home = folder / "home"
        home.mkdir()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return cls(folder, inherited | own_environment(home) | settings)

    @property
    def settings(self) -> StackSettings:
        return read_stack_settings(self.env)

    def but(self, **settings: str) -> "Command":
        return replace(self, env=self.env | settings)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PAYMENTS, *words], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False, timeout=300
        )

    def succeed(self, *words: str) -> str:
        """What it printed, of a run that has to end well."""
        done = self.run(*words)
        assert done.returncode == 0, f"payments {words} left with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def processes(self) -> dict[int, str]:
        """Command lines by pid of all that lives and was told of this home, whoever started it."""
        mark = os.fsencode(self.env["PAYMENTS_HOME"])
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                line = (process / "cmdline").read_bytes()
                if mark in line or mark in (process / "environ").read_bytes():
                    found[int(process.name)] = line.replace(b"\0", b" ").decode(errors="replace")
        return found


@contextmanager
def platform(folder: Path, **settings: str) -> Iterator[Command]:
    """The command in a home of its own; whatever became of the test, nothing of it runs on."""
    command = Command.make(folder, **settings)
    try:
        yield command
    finally:
        command.run("down")
        for pid in command.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_for[T](what: str, look: Callable[[], T | None], seconds: float = 180, every: float = 0.5) -> T:
    """The first thing that `look` finds; an error where the time is up. It looks again after `every` seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")
