"""The line through what was sampled, and what the table makes of it."""

from datetime import timedelta

import pytest

from benchmarks.endurance.trends import Sample, settled, trend, trends_table


def test_a_line_is_found_without_error() -> None:
    found = trend([(batches, 5 + batches / 500) for batches in range(100, 1000, 100)])
    assert found
    assert [found.slope, found.error] == pytest.approx([2.0, 0.0], abs=1e-9)


def test_noise_about_a_constant_is_no_slope_beyond_its_error() -> None:
    found = trend([(batches, 5 + (batches // 100) % 2) for batches in range(100, 2100, 100)])
    assert found
    assert abs(found.slope) < 2 * found.error


def test_the_error_is_that_of_ordinary_least_squares() -> None:
    # By hand: x = 0, 1, 2 thousand, y = 0, 1, 0: slope 0, residual 2/3 over one degree of freedom, spread 2.
    found = trend([(0, 0.0), (1000, 1.0), (2000, 0.0)])
    assert found
    assert [found.slope, found.error] == pytest.approx([0.0, (2 / 3 / 2) ** 0.5])


def test_two_points_tell_no_error() -> None:
    assert trend([(0, 1.0), (1, 2.0)]) is None


def test_the_first_tenth_is_left_out_and_a_quantity_may_begin_later() -> None:
    samples = [Sample(n, {"a": 1.0} | ({"b": 2.0} if n > 50 else {})) for n in range(10, 110, 10)]
    assert settled(samples) == {
        "a": [(n, 1.0) for n in range(20, 110, 10)],
        "b": [(n, 2.0) for n in range(60, 110, 10)],
    }


def test_the_table_says_how_much_was_run_and_what_a_week_adds() -> None:
    samples = [Sample(n, {"warehouse, files": n / 1000}) for n in range(100, 1100, 100)]
    shown = trends_table(samples, builds=3, keep=timedelta(minutes=5))
    assert "1,000 batches of 20 payments and 3 builds one after the other, 5 minutes kept" in shown
    assert "| warehouse, files | 0.20 | 1.00 | +1.00 ± 0.00 | +605 |" in shown.replace("  ", " ")
