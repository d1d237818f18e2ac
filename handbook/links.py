"""Links between the documents: a broken one is a finding.

Belongs here: which pages there are, and whether what they link to is there. Does not belong here: other hosts, which
nobody asks; the built site (site_check).
"""

from functools import cache
from pathlib import Path

from handbook import markdown

ROOT = Path(__file__).resolve().parents[1]


def pages(root: Path = ROOT) -> list[Path]:
    """Every page that a reader may open: those at the root, and all below docs."""
    return sorted([*root.glob("*.md"), *root.glob("docs/**/*.md")])


def is_external(target: str) -> bool:
    """Whether a link leaves the repository."""
    return target.startswith(("http://", "https://", "mailto:"))


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
