"""The order in which the site shows the pages.

Belongs here: reading docs/navigation.toml. Does not belong here: copying pages (staging).
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

OTHERS = "More"


@dataclass(frozen=True)
class Group:
    """A part of the navigation: its title, and its pages by their path below docs."""

    title: str
    pages: tuple[str, ...]


def groups(docs: Path) -> list[Group]:
    """The groups in their order, and then OTHERS: pages that no group names, so that each can be found.

    A pattern with a star may match nothing; a plain name must be a page.

    Raises:
        ValueError: a page that is named does not exist, or is named twice.
    """
    found: list[Group] = []
    seen: set[str] = set()
    declared = tomllib.loads((docs / "navigation.toml").read_text(encoding="utf-8"))
    for group in declared["group"]:
        listed: list[str] = []
        for pattern in group["pages"]:
            matches = sorted(path.relative_to(docs).as_posix() for path in docs.glob(pattern))
            if not matches and "*" not in pattern:
                raise ValueError(f"docs/navigation.toml names {pattern}, which is no page below docs.")
            listed += [match for match in matches if match not in listed]
        if twice := seen.intersection(listed):
            raise ValueError(f"docs/navigation.toml names {', '.join(sorted(twice))} in two groups: take one out.")
        seen |= set(listed)
        found.append(Group(group["title"], tuple(listed)))
    every = (path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md")))
    others = tuple(page for page in every if page not in seen)
    return [*found, Group(OTHERS, others)] if others else found
