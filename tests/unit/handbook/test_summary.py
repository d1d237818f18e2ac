import shutil
from pathlib import Path

import pytest

from handbook.examples import shown
from handbook.links import ROOT
from handbook.summary import PAGE, figures


def test_the_page_shows_what_the_harnesses_measured() -> None:
    made = figures()
    assert {name: shown(PAGE)[name] for name in made} == made, "python -m handbook.summary writes them anew"


def test_a_figure_that_changes_in_its_page_changes_here(tmp_path: Path) -> None:
    for name in ("reliability.md", "performance.md"):
        shutil.copy(ROOT / "docs" / name, tmp_path)
    text = (tmp_path / "reliability.md").read_text()
    before, place, after = text.partition("<!-- table: chaos -->")
    (tmp_path / "reliability.md").write_text(before + place + after.replace("| lost | 0 |", "| lost | 7 |", 1))
    assert "| of these lost | 7 |" in figures(tmp_path)["measured"]


def test_a_row_that_is_gone_is_an_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "docs" / "performance.md", tmp_path)
    (tmp_path / "reliability.md").write_text("<!-- table: chaos -->\n| kills | 3 |\n<!-- /table -->\n")
    with pytest.raises(KeyError):
        figures(tmp_path)
