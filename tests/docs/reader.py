"""A reader at a shell: types a document's commands on a sandbox of the shared stack, and sees what they print.

Belongs here: typing, and what of an output is the same in each run. Does not belong here: what a page needs to be there
before (stage). `payments` runs in this process, by the same function as its program: a process of its own would take
seconds for each command. `payments process` is one run on the session's Spark. All else runs in bash.
"""

import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest

from spark_jobs.incidents import Incident
from tests.world import World

_SECONDS = 300
_ASSIGNED = re.compile(r"(\w+)=(.*)", re.DOTALL)
_IN_BASH = re.compile(r"[|<>$;]")

VOLATILE = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "DAY"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b[0-9a-f]{16,64}\b"), "DIGEST"),
    (re.compile(r"\b127\.0\.0\.1:\d+\b"), "ADDRESS"),
    (re.compile(r"\b\d+\.\d+ s\b"), "SECONDS"),
    (re.compile(r"\b[\d.,]+ (?:B|kB|MB|GB|TB)\b"), "SIZE"),
    (re.compile(r"\bpayments-\d+\b"), "payment-events"),
    (re.compile(r"\bpayment_data_\d+\b"), "payment_data"),
    (re.compile(r"-{3,}"), "---"),
    (re.compile(r" {2,}"), "  "),
)
"""What differs from run to run, and what stands for it."""


def normal(text: str) -> list[str]:
    """The lines of an output without what differs from run to run: times, ids, digests, addresses, widths."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return [line.strip() for line in text.strip().splitlines()]


@dataclass(frozen=True)
class Printed:
    """What a command printed, on both streams, and its exit code."""

    text: str
    code: int


@dataclass
class Reader:
    """One reader, with variables of the shell."""

    world: World
    folder: Path
    env: dict[str, str]
    words: Mapping[str, str] = field(default_factory=dict)
    """What this reader types instead of a page's words: the day, the id, the file that this stack has."""
    instead: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What is done instead of a command that this process does itself."""
    before: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What a person does before a command, in an editor or at the sender's."""

    @classmethod
    def of(cls, world: World, folder: Path, environment: Mapping[str, str]) -> "Reader":
        """A reader in that folder, whose settings are the sandbox's."""
        settings = world.settings.environment() | {"DBT_TARGET": "local", "NO_COLOR": "1", "TERM": "dumb"}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return cls(world, folder, dict(os.environ) | dict(environment) | settings | {"PATH": path})

    def type(self, command: str) -> Printed:
        """Type a line; of several commands joined by && the first that fails is the last."""
        if command in self.before:
            self.before[command]()
        printed = Printed("", 0)
        for part in command.split(" && "):
            for word, other in self.words.items():
                part = part.replace(word, other)
            done = self._one(part)
            printed = Printed(printed.text + done.text, done.code)
            if done.code:
                break
        return printed

    def _one(self, command: str) -> Printed:
        words = shlex.split(command)
        if words[0] == "export":
            self.env |= {found[1]: found[2] for word in words[1:] if (found := _ASSIGNED.fullmatch(word))}
            return Printed("", 0)
        if command in self.instead:
            self.instead[command]()
            return Printed("", 0)
        if command == "payments process":
            return self._process()
        if words[0] == "payments" and not _IN_BASH.search(command.replace("'", "")):
            return self._payments(words)
        return self._bash(command)

    def _process(self) -> Printed:
        try:
            reports = self.world.drain()
        except Incident as incident:
            return Printed(f"{incident}\n", 1)
        return Printed(f"{len(reports)} batches are published.\n", 0)

    def _payments(self, words: list[str]) -> Printed:
        from orchestration.cli import app

        both, code = io.StringIO(), 0
        with (
            mock.patch.dict(os.environ, self.env, clear=True),
            # As in a process of its own, a library that warns of itself as it is imported ends no command.
            warnings.catch_warnings(action="default"),
            pytest.MonkeyPatch.context() as patch,
            chdir(self.folder),
            redirect_stdout(both),
            redirect_stderr(both),
        ):
            patch.setattr(sys, "argv", words)
            try:
                app.main()
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else int(left.code is not None)
        return Printed(both.getvalue(), code)

    def _bash(self, command: str) -> Printed:
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        return Printed(done.stdout, done.returncode)
