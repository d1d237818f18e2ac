from pathlib import Path

import pytest

from handbook import markdown
from handbook.links import ROOT, is_external, pages
from handbook.navigation import OTHERS, Group, groups

DOCS = ROOT / "docs"


def test_every_page_is_linked_from_another_one() -> None:
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in pages()
        for _, target in markdown.links(page.read_text())
        if not is_external(target) and not target.startswith("#")
    }
    # A link to a folder is one to its pages: GitHub lists them.
    found = {DOCS / page for group in groups(DOCS) for page in group.pages}
    assert {page for page in found if page not in linked and page.parent not in linked} == set()


def _docs(folder: Path, navigation: str) -> Path:
    (folder / "a.md").write_text("# A\n")
    (folder / "more").mkdir()
    (folder / "more" / "b.md").write_text("# B\n")
    (folder / "navigation.toml").write_text(navigation)
    return folder


def test_a_star_takes_what_is_there_and_may_match_nothing(tmp_path: Path) -> None:
    docs = _docs(tmp_path, '[[group]]\ntitle = "T"\npages = ["more/*.md", "none*.md"]\n')
    assert groups(docs)[0] == Group("T", ("more/b.md",))


def test_a_page_that_no_group_names_can_be_found_too(tmp_path: Path) -> None:
    docs = _docs(tmp_path, '[[group]]\ntitle = "T"\npages = ["more/*.md"]\n')
    assert groups(docs)[-1] == Group(OTHERS, ("a.md",))


def test_a_page_that_is_not_there_is_named(tmp_path: Path) -> None:
    docs = _docs(tmp_path, '[[group]]\ntitle = "T"\npages = ["c.md"]\n')
    with pytest.raises(ValueError, match=r"names c\.md, which is no page"):
        groups(docs)


def test_a_page_in_two_groups_is_named(tmp_path: Path) -> None:
    docs = _docs(
        tmp_path, '[[group]]\ntitle = "T"\npages = ["a.md"]\n\n[[group]]\ntitle = "U"\npages = ["*.md", "more/*"]\n'
    )
    with pytest.raises(ValueError, match=r"names a\.md in two groups"):
        groups(docs)
