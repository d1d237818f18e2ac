"""Examples in a page that a program makes: each stands between two comments that name it.

Belongs here: reading and writing them. Does not belong here: making one (walkthrough, summary).
A place in a page looks like <!-- table: name -->, the example, <!-- /table -->.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_PLACE = re.compile(r"<!-- table: ([\w-]+) -->\n(.*?)\n?<!-- /table -->", re.DOTALL)


def shown(page: Path) -> dict[str, str]:
    """The examples of a page, by name."""
    return dict(_PLACE.findall(page.read_text(encoding="utf-8")))


def filled(text: str, examples: Mapping[str, str]) -> str:
    """The page's text with each of these examples in its place.

    Raises:
        ValueError: the page has no place for one.
    """
    for name, example in examples.items():
        place = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- /table -->)", re.DOTALL)
        text, count = place.subn(lambda found, example=example: f"{found[1]}{example}\n{found[2]}", text)  # type: ignore[misc]
        if count != 1:
            raise ValueError(f"the page has no place for the example {name!r}: write <!-- table: {name} --> there.")
    return text


def write(page: Path, examples: Mapping[str, str]) -> None:
    """Put the examples into the page."""
    page.write_text(filled(page.read_text(encoding="utf-8"), examples), encoding="utf-8")
