from pathlib import Path

import pytest

from handbook import markdown
from handbook.links import ROOT
from handbook.navigation import Group, groups, unlisted

DOCS = ROOT / "docs"


def test_every_page_is_in_one_group() -> None:
    assert unlisted(DOCS) == [], "name the page in docs/navigation.toml"


def test_the_index_links_to_every_page_but_single_decisions_and_runbooks() -> None:
    linked = {target.partition("#")[0] for _, target in markdown.links((DOCS / "index.md").read_text())}
    expected = {page for group in groups(DOCS) for page in group.pages if "/" not in page} - {"index.md"}
    assert expected - linked == set(), "link the page in docs/index.md"


def _docs(folder: Path, navigation: str) -> Path:
    (folder / "a.md").write_text("# A\n")
    (folder / "more").mkdir()
    (folder / "more" / "b.md").write_text("# B\n")
    (folder / "navigation.toml").write_text(navigation)
    return folder


def test_a_star_takes_what_is_there_and_may_match_nothing(tmp_path: Path) -> None:
    docs = _docs(tmp_path, '[[group]]\ntitle = "T"\npages = ["more/*.md", "none*.md"]\n')
    assert groups(docs) == [Group("T", ("more/b.md",))]
    assert unlisted(docs) == ["a.md"]


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
