"""Binary numbers as a document has them: the decimal that was meant, and never a float."""

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.decoding.plain_values import of_bytes, of_double, of_single, scaled


@given(st.integers(-(10**60), 10**60), st.integers(0, 40))
def test_a_scaled_decimal_is_exact(unscaled: int, scale: int) -> None:
    found = scaled(unscaled.to_bytes(unscaled.bit_length() // 8 + 1, signed=True), scale)
    assert found.as_tuple().exponent == -scale
    assert int(f"{found:f}".replace(".", "")) == unscaled


@pytest.mark.parametrize("scale", [2**62, -(2**61), 2**63 - 1])
def test_a_scale_that_no_decimal_has_is_a_wrong_value(scale: int) -> None:
    with pytest.raises(ValueError, match=str(scale)):
        scaled(b"\x04\xce", scale)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_the_decimal_that_reads_back_as_it(number: float) -> None:
    found = of_double(number)
    assert isinstance(found, Decimal)
    assert float(found) == number


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_single_is_the_decimal_that_reads_back_as_it(number: float) -> None:
    found = of_single(number)
    assert isinstance(found, Decimal)
    assert struct.pack("f", float(found)) == struct.pack("f", number)


def test_a_number_is_no_longer_than_it_was_meant() -> None:
    [narrow] = struct.unpack("f", struct.pack("f", 12.3))
    assert (str(of_single(narrow)), str(of_double(12.3))) == ("12.3", "12.3")


@pytest.mark.parametrize(("number", "name"), [("nan", "NaN"), ("inf", "Infinity"), ("-inf", "-Infinity")])
def test_what_is_no_number_is_its_name(number: str, name: str) -> None:
    assert of_double(float(number)) == of_single(float(number)) == name


def test_bytes_are_base64() -> None:
    assert of_bytes(b"\xff\x00") == "/wA="
