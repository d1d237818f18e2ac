"""Links between the documents: a broken one is a finding.

Belongs here: which pages there are, whether what they link to is there, and the list of links to other hosts. Does not
belong here: when other hosts are asked (site), the built site (site_check).
"""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from handbook import markdown

ROOT = Path(__file__).resolve().parents[1]
EXTERNAL = Path(__file__).parent / "external_links.txt"


def pages(root: Path = ROOT) -> list[Path]:
    """Every page that a reader may open: those at the root, and all below docs."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")])


def is_external(target: str) -> bool:
    """Whether a link leaves the repository."""
    return target.startswith(("http://", "https://", "mailto:"))


def external() -> list[str]:
    """The addresses on other hosts that the pages link to, each once."""
    every = {target for page in pages() for _, target in markdown.links(page.read_text(encoding="utf-8"))}
    return sorted(target for target in every if is_external(target))


def listed() -> list[str]:
    """The kept list of these addresses: a new one is seen in a review."""
    return EXTERNAL.read_text(encoding="utf-8").split()


def unreachable(addresses: Iterable[str], ask: Callable[[str], str]) -> list[str]:
    """A line for each address that does not answer twice; `ask` says why, or "" where it answers."""
    return [f"{address}: {why}" for address in addresses if ask(address) and (why := ask(address))]


def broken(page: Path) -> list[str]:
    """The page's links to a file or a heading that is not there, each as one line."""
    findings = []
    for line, target in markdown.links(page.read_text(encoding="utf-8")):
        if not is_external(target) and (why := _fault(page, target)):
            findings.append(f"{page.name}, line {line}: {target}: {why}")
    return findings


def _fault(page: Path, target: str) -> str:
    if target.startswith("/"):
        return "a link is relative to its page"
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return "there is no such file"
    if anchor and (file.suffix != ".md" or anchor not in _anchors(file)):
        return f"{file.name} has no heading of this name"
    return ""


@cache
def _anchors(file: Path) -> set[str]:
    return markdown.anchors(file.read_text(encoding="utf-8"))
