"""The tables of the documents are those of the lists."""

from pathlib import Path

import pytest

from orchestration.alerts.files.tables import filled, tables

DOCS = Path(__file__).parents[5] / "docs"


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, wanted in tables().items() for table in wanted])
def test_a_page_has_the_table_as_the_list_has_it(name: str, table: str) -> None:
    page = (DOCS / name).read_text()
    assert filled(page, table, tables()[name][table]) == page, "run `make alerts`"


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="has 0 places"):
        filled("# A page\n", "alerts", "| a |\n")
