"""Examples of a page that are run as they stand: a command after `$`, and below it what it prints.

Belongs here: reading them, running them, comparing. Does not belong here: a stack for those that need one (tests).
A line of three dots stands for any lines, three dots within a line for any text, `(exit 1)` for the exit code. Above a
block a comment may stand: <!-- runs: on a stack -->, <!-- runs: after the steps -->, or <!-- file: NAME -->, which
keeps the block as a file for those after it.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handbook import markdown

ON_A_STACK = "on a stack"
AFTER_THE_STEPS = "after the steps"
"""What stands behind `runs:`: on a stack with published payments; after the README's steps, with dbt's models."""

_RUNS = re.compile(r"runs: (.+)")
_FILE = re.compile(r"file: (\S+)")
_EXIT = re.compile(r"\(exit (\d+)\)")
_SECONDS = 120

SHELLS = ("", "bash", "sh", "shell")
"""What a block may be called that a reader types; an indented one has no name."""

_PROGRAM = re.compile(
    r"(?:payments|make|dbt|bq|docker|gcloud|git|helm|kafka-[\w-]+\.sh|kubectl|pip|python|spark-submit|terraform)"
    r" +[\w./\"'{-]|\.venv/bin/\w|(?:export|source) +\S|payments$"
)
"""With what a block begins that a reader types."""
_CODE = re.compile(r"""(?:'[^']*'|"[^"]*"|(?<=\S)#|[^'"#])*""")
"""A line as far as a comment begins: a # in quotes or within a word begins none."""


@dataclass(frozen=True)
class Step:
    """A command, what it prints, and how it ends."""

    command: str
    printed: tuple[str, ...]
    exit_code: int


@dataclass(frozen=True)
class Example:
    """The steps of one block, or the file that it is (`name`)."""

    line: int
    runs: str = ""
    """Where it is run: ON_A_STACK, AFTER_THE_STEPS, or "" for anywhere."""
    steps: tuple[Step, ...] = ()
    name: str = ""
    content: str = ""


def examples(text: str) -> list[Example]:
    """The examples of a page, in order."""
    found = []
    for block in markdown.blocks(text):
        named = _FILE.fullmatch(block.comment)
        if named:
            found.append(Example(block.line, name=named[1], content="".join(f"{line}\n" for line in block.lines)))
        elif block.language == "console":
            where = _RUNS.fullmatch(block.comment)
            found.append(Example(block.line, where[1] if where else "", steps=_steps(block)))
    return sorted(found, key=lambda example: example.line)


def _steps(block: markdown.Block) -> tuple[Step, ...]:
    if not block.lines or not block.lines[0].startswith("$ "):
        raise ValueError(f"line {block.line}: a console block begins with `$ ` and a command.")
    steps: list[tuple[str, list[str]]] = []
    for line in block.lines:
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps[-1][0].endswith("\\"):
            steps[-1] = (f"{steps[-1][0]}\n{line.removeprefix('> ')}", [])
        else:
            steps[-1][1].append(line)
    return tuple(_step(command, printed) for command, printed in steps)


def _step(command: str, printed: list[str]) -> Step:
    code = _EXIT.fullmatch(printed[-1]) if printed else None
    return Step(command, tuple(printed[:-1] if code else printed), int(code[1]) if code else 0)


@dataclass(frozen=True)
class Typed:
    """A command of a block that shows no output: its line, its text without a comment, what stands above the block."""

    line: int
    command: str
    above: str = ""


def typed(text: str) -> list[Typed]:
    """The commands of a page's blocks that show no output, in order. A block that a harness wrote has none."""
    found: list[Typed] = []
    for block in markdown.blocks(text):
        if block.language in SHELLS and not block.comment.startswith("table:") and _is_shell(block.lines):
            found += _typed(block)
    return sorted(found, key=lambda each: each.line)


def _is_shell(lines: Sequence[str]) -> bool:
    stripped = (line.strip().removeprefix("$ ") for line in lines)
    return _PROGRAM.match(next((line for line in stripped if line and not line.startswith("#")), "")) is not None


def _typed(block: markdown.Block) -> Iterator[Typed]:
    held, begin = "", 0
    for number, line in enumerate(block.lines, block.line):
        code = _CODE.match(line.strip().removeprefix("$ "))
        text = code[0].strip() if code else ""
        if not text:
            continue
        held, begin = (f"{held} {text}", begin) if held else (text, number)
        if held.endswith("\\"):
            held = held.removesuffix("\\").rstrip()
        else:
            yield Typed(begin, held, block.comment)
            held = ""


def run(example: Example, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Where what is printed is not what the page shows, step by step; each with both."""
    if example.name:
        (folder / example.name).write_text(example.content, encoding="utf-8")
    faults = []
    for step in example.steps:
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", step.command],
            cwd=folder,
            env=dict(environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        printed = [line.rstrip() for line in done.stdout.rstrip().splitlines()]
        if done.returncode != step.exit_code or not agrees(step.printed, printed):
            shown = "\n".join([*printed, f"(exit {done.returncode})"])
            faults.append(
                f"line {example.line}: $ {step.command}\nprinted now:\n{shown}\nthe page says:\n"
                + "\n".join([*step.printed, f"(exit {step.exit_code})"])
            )
    return faults


def agrees(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Whether the printed lines are the expected ones, where three dots stand for anything."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else ".*?".join(map(re.escape, line.rstrip().split("..."))) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None
