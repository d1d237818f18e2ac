"""What every scenario and every break prints, written into docs/scenarios.md: run by `make scenarios`.

Belongs here: running them all on one stack, and putting each's words into its place. Does not belong here: scenarios,
breaks.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks.harness.figures import ROOT, write_table
from orchestration.breaks.by_name import BREAKS
from orchestration.presentation.console import say
from orchestration.scenarios.harness.own_stack import own_sandbox
from orchestration.scenarios.harness.sandbox import Sandbox
from orchestration.scenarios.harness.transcript import Transcript
from orchestration.scenarios.registry import SCENARIOS

DOCUMENT = ROOT / "docs" / "scenarios.md"
_BEGINS = "#### "


def tell() -> None:
    """Run every scenario and break on one stack, and print what each prints after a line with its name."""
    with own_sandbox(Transcript(is_silent=True)) as base:
        for name, run in (SCENARIOS | BREAKS).items():
            folder = base.folder / name
            folder.mkdir()
            sandbox = Sandbox.make(base.settings, base.spark, folder, partitions=4)
            say(f"{_BEGINS}{name}")
            transcript = Transcript()
            run(sandbox, transcript)
            transcript.conclude()
            if not transcript.is_proved:
                raise SystemExit(f"{name} is not proved: {transcript.failure()}")


def write(printed: str, document: Path) -> None:
    """Put each scenario's words into its place."""
    for part in printed.split(_BEGINS)[1:]:
        name, _, words = part.partition("\n")
        lines = [line.rstrip() for line in words.strip().splitlines()]
        write_table(document, name, "\n".join(["```text", *lines, "```", ""]))


def main() -> None:
    """Run them in a process of their own, so that what it prints can be kept."""
    done = subprocess.run(
        [sys.executable, "-c", "from benchmarks.measurements.scenarios import tell; tell()"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    write(done.stdout, DOCUMENT)


if __name__ == "__main__":
    main()
