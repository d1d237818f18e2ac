"""Commands in the documents that no example runs, each with its reason.

Belongs here: reading the list, and which commands of a page it does not have. Does not belong here: running examples
(console).
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from handbook.console import typed_elsewhere
from handbook.links import ROOT


@dataclass(frozen=True)
class NotRun:
    """With what the commands begin, why none of them is run, and the test that runs one elsewhere ("" for none)."""

    command: str
    reason: str
    by: str = ""

    def covers(self, command: str) -> bool:
        """Whether a command is one of these."""
        return command == self.command or command.startswith(f"{self.command} ")


def entries() -> list[NotRun]:
    """The list, in its order."""
    text = (Path(__file__).parent / "not_run.toml").read_text(encoding="utf-8")
    return [NotRun(**entry) for entry in tomllib.loads(text)["not_run"]]


def without_reason(page: Path) -> list[str]:
    """Commands of a page that stand in a block which nobody runs, and that the list does not have."""
    return [
        f"{page.relative_to(ROOT)}, line {line}: {command}"
        for line, command in typed_elsewhere(page.read_text(encoding="utf-8"))
        if not any(entry.covers(command) for entry in entries())
    ]
