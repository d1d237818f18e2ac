"""What a patch gains is the median visit without it against the median one with it."""

from pathlib import Path

import pytest

from benchmarks.harness.figures import ROOT
from benchmarks.warehouse.gains import Cost, Gain, Visit, cost, gain, gains_table, with_sentence
from local_stack.bigquery import patches
from local_stack.bigquery.patches.registry import PATCHES


def visit(small: float, large: float, build: float) -> Visit:
    return Visit(Cost(small, small), Cost(large, large), Cost(build, 2 * build))


def test_one_visit_that_was_disturbed_changes_nothing() -> None:
    assert cost([visit(1, 2, 3), visit(1, 2, 3), visit(100, 200, 300)]) == visit(1, 2, 3)


def test_a_gain_is_how_much_more_it_costs_without() -> None:
    found = gain([(visit(1, 4, 10), visit(1.5, 4, 9))])
    assert found == Gain(*map(pytest.approx, (50, 50, 0, 0, -10, -10)))  # type: ignore[arg-type]
    assert found.is_worth_it


@pytest.mark.parametrize(("most", "is_worth_it"), [(4.9, False), (5.0, True)])
def test_what_saves_too_little_of_everything_is_not_worth_it(most: float, is_worth_it: bool) -> None:
    assert Gain(most, 90, 0, 90, most, 90).is_worth_it == is_worth_it
    assert Gain(-9, 0, most, 0, 0, 0).is_worth_it == is_worth_it


def test_only_neighbours_are_compared() -> None:
    later_all_is_dearer = [(visit(1, 1, 1), visit(2, 2, 2)), (visit(10, 10, 10), visit(20, 20, 20))]
    assert gain(later_all_is_dearer) == Gain(*[100] * 6)


def test_each_patch_and_the_document_have_a_place_for_what_was_measured() -> None:
    for patch in PATCHES:
        source = Path(patches.__path__[0], f"{patch.name}.py").read_text()
        assert "+7 %" in with_sentence(source, Gain(7, 0, 0, 0, 0, 0).sentence())
    assert "<!-- table: patches -->" in (ROOT / "docs" / "performance.md").read_text()


def test_the_sentence_in_a_docstring_is_replaced_and_nothing_else() -> None:
    first, second = Gain(1, 0, 2, 0, 3, 0).sentence(), Gain(40, 0, 50, 0, -6, 0).sentence()
    source = f'"""A patch.\n\n{first}\n"""\n\nX = "Without it"\n'
    assert with_sentence(source, second) == f'"""A patch.\n\n{second}\n"""\n\nX = "Without it"\n'
    with pytest.raises(ValueError, match="no sentence"):
        with_sentence('"""A patch."""\n', second)


def test_the_table_has_a_row_for_each_patch_and_what_all_of_them_come_to() -> None:
    figures: dict[str, float | int | str] = {f"patch_{patch.name}": "1.0,2.0,3.0,4.0,5.0,-6.0" for patch in PATCHES}
    figures |= {"patches_all": "0.1,0.2,0.3,0.4,5,6", "patches_none": "0.2,0.3,0.4,0.5,7,8"}
    lines = gains_table(figures).splitlines()
    assert [line.split("|")[1].strip() for line in lines if "`" in line] == [f"without `{p.name}`" for p in PATCHES]
    assert lines[-1] == "| with none, s | 0.2 | 0.3 | 0.4 | 0.5 | 7 | 8 |"
