from pathlib import Path

import pytest

from handbook.examples import filled, shown, write

PAGE = "# A\n\n<!-- table: one -->\nold\n<!-- /table -->\n\n<!-- table: two -->\n<!-- /table -->\n"


def test_an_example_is_written_into_its_place_and_read_back(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    write(page, {"one": "| a |\n| b |", "two": r"\1"})
    assert shown(page) == {"one": "| a |\n| b |", "two": r"\1"}
    write(page, {"one": "| c |"})
    assert shown(page) == {"one": "| c |", "two": r"\1"}


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for the example 'three'"):
        filled(PAGE, {"three": "x"})
