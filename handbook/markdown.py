"""What a Markdown page is made of: headings, links, fenced blocks. Pure.

Belongs here: reading one page's text. Does not belong here: other pages (links), running a block (console).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,}) *(?P<language>[\w+-]*).*$")
_HEADING = re.compile(r"^#{1,6} +(.*?)(?: +#+)? *$")
_LINK = re.compile(r"(?P<before>!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()(?P<target>[^()\s]+)(?P<after>(?: +\"[^\"]*\")?\))")
_LINK_TEXT = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_CODE_SPAN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)")
_ABOVE = re.compile(r"<!-- (.*?) -->")
_COMMENT = re.compile(r"<!--.*?-->")
_TAG = re.compile(r"</?\w+[^>]*>")
_EXPLICIT_ID = re.compile(r"""<\w+[^>]*\bid=["']([^"']+)["']""")


@dataclass(frozen=True)
class Block:
    """A fenced or an indented block: its language ("" where it has none), its lines, and where the first one stands."""

    language: str
    lines: tuple[str, ...]
    line: int
    fenced: bool = True
    comment: str = ""
    """What the HTML comment says that stands on the line above."""


@dataclass(frozen=True)
class Line:
    """A line of prose, with its number from 1."""

    number: int
    text: str


def _parts(text: str) -> Iterator[Line | Block]:
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if not opening:
            yield Line(at + 1, lines[at])
            at += 1
            continue
        end = at + 1
        while end < len(lines) and not lines[end].strip().startswith(opening["mark"]):
            end += 1
        indent = len(opening["indent"])
        inner = tuple(line[indent:] if not line[:indent].strip() else line for line in lines[at + 1 : end])
        comment = _ABOVE.fullmatch(lines[at - 1].strip()) if at else None
        yield Block(opening["language"], inner, at + 2, comment=comment[1] if comment else "")
        at = end + 1


def prose(text: str) -> list[Line]:
    """The lines that stand in no fenced block."""
    return [part for part in _parts(text) if isinstance(part, Line)]


def blocks(text: str) -> list[Block]:
    """The fenced blocks, then the indented ones: those of four blanks after an empty line or the page's start."""
    return [part for part in _parts(text) if isinstance(part, Block)] + _indented(prose(text))


def _indented(lines: list[Line]) -> list[Block]:
    found: list[Block] = []
    held: list[Line] = []
    before = ""
    for line in [*lines, Line(0, "end")]:
        goes_on = held and line.number == held[-1].number + 1 and (line.text.startswith("    ") or not line.text)
        if goes_on or (line.text.startswith("    ") and not before.strip()):
            held.append(line)
        elif held:
            found.append(Block("", tuple(each.text[4:] for each in held), held[0].number, fenced=False))
            held = []
        before = line.text
    return found


def title(text: str) -> str:
    """The page's first heading, without its marks; "" where it has none."""
    return next((_plain(found[1]) for line in prose(text) if (found := _HEADING.match(line.text))), "")


def anchors(text: str) -> set[str]:
    """What a link to this page may name after its #: headings by their slug, and explicit ids."""
    found: set[str] = set()
    for line in prose(text):
        if heading := _HEADING.match(line.text):
            found.add(slug(heading[1]))
        found |= set(_EXPLICIT_ID.findall(line.text))
    return found


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub and the site make it; of two equal headings only the first is meant."""
    return re.sub(r"[^\w\- ]", "", _plain(heading).lower()).strip().replace(" ", "-")


def _plain(heading: str) -> str:
    return _TAG.sub("", _LINK_TEXT.sub(r"\1", heading)).strip().replace("`", "").replace("*", "")


def links(text: str) -> list[tuple[int, str]]:
    """Line and target of each link and picture outside of code."""
    return [
        (line.number, found["target"]) for line in prose(text) for found in _LINK.finditer(_without_code(line.text))
    ]


def _without_code(line: str) -> str:
    return _COMMENT.sub("", _CODE_SPAN.sub(lambda code: "x" * len(code[0]), line))


def with_links(text: str, change: Callable[[str], str]) -> str:
    """The text with each link's target replaced by what `change` makes of it."""
    in_prose = {line.number for line in prose(text)}
    return "".join(
        _changed(line, change) if number in in_prose else line
        for number, line in enumerate(text.splitlines(keepends=True), 1)
    )


def _changed(line: str, change: Callable[[str], str]) -> str:
    code = [span.span() for span in _CODE_SPAN.finditer(line)]

    def replaced(link: re.Match[str]) -> str:
        if any(start <= link.start("target") < end for start, end in code):
            return link[0]
        return f"{link['before']}{change(link['target'])}{link['after']}"

    return _LINK.sub(replaced, line)
