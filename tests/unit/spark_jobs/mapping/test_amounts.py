"""Amounts of any unit, held against Python's own decimals."""

import base64
import re
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.contract.iso_codes import MINOR_UNITS
from spark_jobs.contract.payment_event import AMOUNT_PATTERN, Reason
from spark_jobs.mapping.amounts import ABSOLUTE, KEEP, MINOR, NEGATE, SIGNS, UNITS, amount_reader, decimals_of
from spark_jobs.mapping.readers import CannotRead

EXACT = Context(prec=300)


def amount(
    value: Any, unit: str = MINOR, currency: str | None = "EUR", sign: str = KEEP, scale: int | None = None, **own: int
) -> str | None:
    return amount_reader(lambda _: value, decimals_of(unit, own, MINOR_UNITS), sign, scale)(None, currency)


@pytest.mark.parametrize(
    ("value", "unit", "currency", "written"),
    [
        (1999, MINOR, "EUR", "19.99"),
        (1900, MINOR, "EUR", "19"),
        (5, MINOR, "EUR", "0.05"),
        (0, MINOR, "EUR", "0"),
        (-1999, MINOR, "EUR", "-19.99"),
        (1200, MINOR, "JPY", "1200"),
        (1234, MINOR, "KWD", "1.234"),
        (12345, MINOR, "CLF", "1.2345"),
        ("1999", MINOR, "EUR", "19.99"),
        ("000000001999", MINOR, "EUR", "19.99"),
        (Decimal("1999.0"), MINOR, "EUR", "19.99"),
        (Decimal("1999.5"), MINOR, "EUR", "19.995"),
        (1999, "cents", "JPY", "19.99"),
        (12_300_000, "micros", "EUR", "12.3"),
        ("12.30", "major", "EUR", "12.3"),
        ("705.00", "major", "JPY", "705"),
        (12, "major", "EUR", "12"),
        (Decimal("1.23E+3"), "major", "EUR", "1230"),
        ("1.23E+3", "major", "EUR", "1230"),
        ("0e100", "major", "EUR", "0"),
        (None, MINOR, "EUR", None),
        (None, MINOR, None, None),
    ],
)
def test_an_amount_is_written_in_the_major_unit(value: Any, unit: str, currency: str, written: str | None) -> None:
    assert amount(value, unit, currency) == written


@pytest.mark.parametrize(
    ("value", "unit", "currency", "reason"),
    [
        (1.5, "major", "EUR", Reason.WRONG_TYPE),
        (True, MINOR, "EUR", Reason.WRONG_TYPE),
        ({}, MINOR, "EUR", Reason.WRONG_TYPE),
        ("1,234.50", "major", "EUR", Reason.INVALID_AMOUNT),
        ("1.234,50", "major", "EUR", Reason.INVALID_AMOUNT),
        ("", "major", "EUR", Reason.INVALID_AMOUNT),
        (" 1", "major", "EUR", Reason.INVALID_AMOUNT),
        ("+1", "major", "EUR", Reason.INVALID_AMOUNT),
        ("1.", "major", "EUR", Reason.INVALID_AMOUNT),
        ("EUR 1", "major", "EUR", Reason.INVALID_AMOUNT),
        ("\u0661", "major", "EUR", Reason.INVALID_AMOUNT),
        ("NaN", "major", "EUR", Reason.INVALID_AMOUNT),
        (Decimal("NaN"), "major", "EUR", Reason.INVALID_AMOUNT),
        (Decimal("1e9999"), "major", "EUR", Reason.AMOUNT_TOO_LARGE),
        (10**50, MINOR, "EUR", Reason.AMOUNT_TOO_LARGE),
        ("1e-999", "major", "EUR", Reason.AMOUNT_TOO_PRECISE),
        (1999, MINOR, "XXX", Reason.UNKNOWN_MINOR_UNIT),
        (1999, MINOR, None, Reason.UNKNOWN_MINOR_UNIT),
    ],
)
def test_what_is_no_amount_is_a_reason(value: Any, unit: str, currency: str | None, reason: Reason) -> None:
    with pytest.raises(CannotRead) as raised:
        amount(value, unit, currency)
    assert raised.value.reason is reason


def test_a_provider_may_count_a_currency_otherwise() -> None:
    assert amount(500_000, currency="ISK") == "500000"
    assert amount(500_000, currency="ISK", ISK=2) == "5000"
    assert amount(100, currency="XTS", XTS=2) == "1"


def test_the_sign_is_the_mappings() -> None:
    assert [amount(v, sign=NEGATE) for v in (5, -5, 0)] == ["-0.05", "0.05", "0"]
    assert [amount(v, sign=ABSOLUTE) for v in (5, -5, 0)] == ["0.05", "0.05", "0"]


NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12),
)


@given(NUMBERS, st.sampled_from([*UNITS, MINOR]), st.sampled_from(["EUR", "JPY", "KWD", "CLF"]), st.sampled_from(SIGNS))
def test_every_amount_is_exact_and_in_the_contracts_form(value: Any, unit: str, currency: str, sign: str) -> None:
    decimals = MINOR_UNITS[currency] if unit == MINOR else UNITS[unit]
    expected = EXACT.multiply(Decimal(value), Decimal(10) ** -decimals)
    expected = abs(expected) if sign == ABSOLUTE else -expected if sign == NEGATE else expected
    for form in (value, str(value)):
        written = amount(form, unit, currency, sign)
        assert written is not None
        assert re.fullmatch(AMOUNT_PATTERN, written)
        assert Decimal(written) == expected


@given(st.integers(-(10**30), 10**30), st.integers(0, 12))
def test_kafka_connects_decimals_are_read(unscaled: int, scale: int) -> None:
    encoded = unscaled.to_bytes((unscaled.bit_length() + 8) // 8, "big", signed=True)
    written = amount(base64.b64encode(encoded).decode(), "major", scale=scale)
    assert Decimal(written or "") == EXACT.multiply(Decimal(unscaled), Decimal(10) ** -scale)


@pytest.mark.parametrize("value", ["", "?", "AAA", 12, None, "A" * 60])
def test_what_is_none_of_them_is_a_reason(value: Any) -> None:
    if value is None:
        assert amount(value, "major", scale=2) is None
    else:
        with pytest.raises(CannotRead):
            amount(value, "major", scale=2)
