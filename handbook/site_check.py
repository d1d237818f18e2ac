"""The built site, held against its promises: every link leads somewhere in it, and nothing is loaded from another host.

Belongs here: reading the built HTML. Does not belong here: building it (site).
"""

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
# No page has one of these, so the generator's script never asks for the library that draws them.
_DRAWN_ELSEWHERE = {"mermaid", "arithmatex"}


@dataclass
class _Page(HTMLParser):
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given["id"]} if "id" in given else set()
        self.classes |= set(given.get("class", "").split())
        if target := given.get(_LOADS.get(tag, "")):
            self.loads.append(target)
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])


def faults(site: Path) -> list[str]:
    """What is wrong with the site in this folder, each as one line."""
    found = []
    for file in sorted(site.rglob("*.html")):
        # The page for a missing address is shown at any depth, so its links start at the server's root.
        if file.name == "404.html" or "files" in file.relative_to(site).parts:
            continue
        page, name = _read(file), file.relative_to(site).as_posix()
        found += [f"{name} loads {load} from another host" for load in page.loads if _has_host(load)]
        found += [f"{name} has a {each}, whose library is another host's" for each in page.classes & _DRAWN_ELSEWHERE]
        for target in [*page.loads, *page.links]:
            if not _has_host(target) and not _leads_somewhere(target, file):
                found.append(f"{name} links to {target}, which is not in the site")
    return found


def _has_host(target: str) -> bool:
    parts = urlsplit(target)
    return bool(parts.netloc) or parts.scheme not in ("", "data", "javascript")


def _leads_somewhere(target: str, file: Path) -> bool:
    parts = urlsplit(target)
    if parts.scheme:
        return True
    there = file if not parts.path else (file.parent / unquote(parts.path)).resolve()
    if there.is_dir():
        there /= "index.html"
    if not there.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or anchor.startswith("__") or there.suffix != ".html" or anchor in _read(there).ids


@cache
def _read(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page
