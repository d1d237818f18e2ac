"""The model's arithmetic."""

import pytest

from benchmarks.measurements.model import LOAD_JOBS_A_DAY, RATES, needs, needs_table


def test_ten_times_the_rate_takes_ten_times_as_much_of_all_but_load_jobs() -> None:
    few, many = needs(10_000, 35.0, 12.0), needs(100_000, 35.0, 12.0)
    assert few.load_jobs_a_day == many.load_jobs_a_day < LOAD_JOBS_A_DAY
    for name in ("megabytes_per_second", "state_gigabytes", "storage_dollars_a_month", "lookback_gigabytes"):
        assert getattr(many, name) == pytest.approx(10 * getattr(few, name))


def test_cores_leave_room_for_peaks() -> None:
    assert needs(10_000, 35.0, 12.0).cores == 1
    assert needs(100_000, 35.0, 12.0).cores == 5


def test_the_table_has_a_column_for_each_rate() -> None:
    lines = needs_table([needs(rate, 35.0, 12.0) for rate in RATES]).splitlines()
    assert {line.count("|") for line in lines} == {len(RATES) + 2}
