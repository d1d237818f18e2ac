"""Commands that the documents name: each of ours exists, with its options.

Belongs here: finding them in a page, and comparing with the program and the Makefile. Does not belong here: running
one (console).
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache

from handbook import markdown
from handbook.links import ROOT

_CODE = re.compile(r"`([^`]+)`")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z-]*")


def named(text: str) -> Iterator[tuple[int, str]]:
    """Line and text of each command of ours in code, whether in a sentence or in a block."""
    for line in markdown.prose(text):
        if not line.text.startswith("    "):
            yield from ((line.number, code) for code in _CODE.findall(line.text) if _is_ours(code))
    for block in markdown.blocks(text):
        if block.comment.startswith("table:"):
            continue
        for number, typed in enumerate(block.lines, block.line):
            command = typed.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if _is_ours(command):
                yield number, command


def _is_ours(code: str) -> bool:
    return re.match(r"(payments|make) [a-z-]", code) is not None


def fault(command: str) -> str:
    """Why the command could not be run as it stands; "" where it could."""
    first = re.split(r"\s(?:&&|;|#|\||>)|;", command)[0]
    program, _, rest = first.partition(" ")
    words = _words(rest)
    if program == "make":
        wanted = [word for word in words if _WORD.fullmatch(word)]
        return next((f"there is no target {word}" for word in wanted if word not in _targets()), "")
    return _fault_of(words, _program(), "payments")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text.replace("[", " ").replace("]", " "))
    except ValueError:
        return text.split()


@cache
def _targets() -> frozenset[str]:
    return frozenset(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


@cache
def _program() -> object:
    import typer.main

    from orchestration.cli.app import app

    return typer.main.get_command(app)


def _fault_of(words: list[str], program: object, path: str) -> str:
    inner = getattr(program, "commands", None)
    if inner is not None and words and not words[0].startswith("-"):
        if words[0] not in inner:
            return f"{path} has no command {words[0]}"
        return _fault_of(words[1:], inner[words[0]], f"{path} {words[0]}")
    known = {
        name for parameter in getattr(program, "params", ()) for name in (*parameter.opts, *parameter.secondary_opts)
    }
    options = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help"}
    unknown = sorted(options - known)
    return f"{path} has no option {unknown[0]}" if unknown else ""
