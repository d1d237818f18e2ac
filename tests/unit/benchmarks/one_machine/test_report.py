"""What is made of measured builds."""

import pytest

from benchmarks.one_machine.builds import Build, is_green, name_of, slowest_nodes
from benchmarks.one_machine.report import builds_table, figures, growth, middle


def build(wall: float, dbt: float = 10.0, warehouse: float = 5.0, **nodes: float) -> Build:
    return Build(wall, dbt, warehouse, nodes)


FOUND = {
    1: [build(20.0, mart=2.0, check=1.0), build(30.0, mart=4.0, check=1.0), build(22.0, mart=3.0, check=1.0)],
    90: [build(33.0, warehouse=8.0, mart=9.0, check=1.0)],
}


def test_the_median_is_of_each_figure_by_itself() -> None:
    found = middle(FOUND[1])
    assert (found.wall_seconds, found.cpu_seconds, found.nodes["mart"]) == (22.0, 15.0, 3.0)


def test_the_table_holds_each_number_of_days_against_the_fewest() -> None:
    shown = builds_table(FOUND, 800)
    assert "800 payments a day, and one more day's before each build; one build each; every check was green" in shown
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in shown.splitlines() if line[:2] == "| "]
    assert rows[2] == ["1", "800", "22.0", "1.00", "15.0", "1.00", "10.0", "5.0"]
    assert rows[3] == ["90", "72,000", "33.0", "1.50", "18.0", "1.20", "10.0", "8.0"]


def test_figures_are_those_of_the_most_days() -> None:
    found = figures(FOUND, 800)
    assert found["kept_days"] == 90
    assert found["kept_build_ratio"] == pytest.approx(1.5)
    assert found["kept_build_cpu_seconds"] == pytest.approx(18.0)


def test_what_grew_most_comes_first() -> None:
    assert growth(FOUND, 1) == [("mart", 3.0, 9.0)]
    assert slowest_nodes({"a": 1.0, "b": 2.0}, 1) == [("b", 2.0)]


def test_a_check_that_warns_or_is_skipped_is_not_green() -> None:
    assert [is_green(status) for status in ("success", "pass", "warn", "fail", "error", "skipped")] == [
        *(True, True),
        *(False,) * 4,
    ]


def test_a_node_is_called_by_its_name() -> None:
    assert name_of("test.payments.unique_payments.1a2b3c") == "unique_payments"
    assert name_of("model.payments.payment_metrics") == "payment_metrics"
