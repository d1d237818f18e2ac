"""The published list as data: each row says what it says, and nothing twice."""

from datetime import date

from spark_jobs.contract import currencies
from spark_jobs.contract.currencies import EDITION, MINOR_UNITS, PERIODS


def test_every_day_of_a_period_is_one_and_the_first_comes_before_the_last() -> None:
    for code, (valid_from, valid_to) in PERIODS.items():
        days = [date.fromisoformat(day) for day in (valid_from, valid_to) if day]
        assert days, code
        assert days == sorted(days), code


def test_a_code_stands_once_in_the_list() -> None:
    plain = [
        *currencies._NO_DECIMALS,
        *currencies._TWO_DECIMALS,
        *currencies._THREE_DECIMALS,
        *currencies._FOUR_DECIMALS,
    ]
    assert len(plain) + len(PERIODS) == len(MINOR_UNITS)
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in MINOR_UNITS)


def test_the_newest_changes_of_the_list_are_in_it() -> None:
    date.fromisoformat(EDITION)
    assert {code: PERIODS[code] for code in ("XAD", "XCG", "ZWG", "BGN", "HRK")} == {
        "XAD": ("2025-05-12", ""),
        "XCG": ("2025-03-31", ""),
        "ZWG": ("2024-06-25", ""),
        "BGN": ("", "2026-02-01"),
        "HRK": ("", "2023-02-01"),
    }
