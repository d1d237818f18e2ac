"""Amounts of any unit as the contract writes them: a decimal text in the currency's major unit, exactly.

Belongs here: numbers, units, signs. Does not belong here: which amounts a payment may have (parsing). Pure; never a
float, and nothing is rounded: what has too many decimals keeps them, and is refused by the contract.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.readers import CannotRead

MAJOR, MINOR = "major", "minor"
UNITS = {MAJOR: 0, "cents": 2, "micros": 6}
"""Decimals of the units that are the same in every currency; those of MINOR are the currency's."""

KEEP, NEGATE, ABSOLUTE = SIGNS = ("keep", "negate", "absolute")
NUMBER, CONNECT_DECIMAL = ENCODINGS = ("number", "connect_decimal")

_NUMBER = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?(?:[eE]([+-]?[0-9]{1,4}))?")
_MOST_DIGITS = 40
_QUICK = 10**18
_FROM_BITS = 136
"""2^136 has 41 digits."""


def amount_reader(
    read: Callable[[Any], Any], decimals: Callable[[str | None], int], sign: str, scale: int | None
) -> Callable[[Any, str | None], str | None]:
    """A function of a record and its currency.

    Args:
        read: the value as the document has it.
        decimals: how many of the value's digits are decimals, by the currency.
        sign: of SIGNS.
        scale: the value is bytes in base64, an integer with so many decimals; None: it is a number.
    """
    is_plain = sign == KEEP and scale is None

    def amount(record: Any, currency: str | None) -> str | None:
        value = read(record)
        if value is None:
            return None
        kind = type(value)
        if is_plain and kind is int and 0 < value < _QUICK:
            exponent = decimals(currency)
            if exponent == 0:
                return str(value)
            digits = str(value).rjust(exponent + 1, "0")
            return f"{digits[:-exponent]}.{digits[-exponent:]}".rstrip("0").rstrip(".")
        if scale is not None:
            value = _unscaled(value)
        elif kind is not int and kind is not str and kind is not Decimal:
            raise CannotRead(Reason.WRONG_TYPE)
        shift = decimals(currency) + (scale or 0)
        minus, digits, exponent = _parts(value)
        text = _plain(digits, exponent - shift)
        if sign == ABSOLUTE or text == "0":
            return text
        return text if minus == (sign == NEGATE) else f"-{text}"

    return amount


def decimals_of(unit: str, own: Mapping[str, int], minor_units: Mapping[str, int]) -> Callable[[str | None], int]:
    """How many decimals a number of this unit has, by its currency; `own` goes before ISO 4217."""
    if unit != MINOR:
        fixed = UNITS[unit]
        return lambda _: fixed
    known = {**minor_units, **own}

    def decimals(currency: str | None) -> int:
        if currency not in known:
            raise CannotRead(Reason.UNKNOWN_MINOR_UNIT)
        return known[currency]

    return decimals


def _parts(value: int | str | Decimal) -> tuple[bool, str, int]:
    if type(value) is int:
        if not -(10**_MOST_DIGITS) < value < 10**_MOST_DIGITS:
            raise CannotRead(Reason.AMOUNT_TOO_LARGE)
        return value < 0, str(abs(value)), 0
    match = _NUMBER.fullmatch(value if type(value) is str else str(value))
    if match is None:
        raise CannotRead(Reason.INVALID_AMOUNT)
    minus, whole, fraction, exponent = match.groups()
    digits = whole + (fraction or "")
    return minus == "-", digits, int(exponent or 0) - len(fraction or "")


def _plain(digits: str, exponent: int) -> str:
    """digits x 10^exponent without an exponent, and without zeros that say nothing."""
    digits = digits.lstrip("0")
    if not digits:
        return "0"
    if exponent >= 0:
        if len(digits) + exponent > _MOST_DIGITS:
            raise CannotRead(Reason.AMOUNT_TOO_LARGE)
        return digits + "0" * exponent
    if exponent < -2 * _MOST_DIGITS:
        raise CannotRead(Reason.AMOUNT_TOO_PRECISE)
    digits = digits.rjust(1 - exponent, "0")
    fraction = digits[exponent:].rstrip("0")
    return f"{digits[:exponent]}.{fraction}" if fraction else digits[:exponent]


def _unscaled(value: Any) -> int:
    """The whole number that Kafka Connect's Decimal carries: big-endian, two's complement, in base64."""
    if type(value) is not str:
        raise CannotRead(Reason.WRONG_TYPE)
    try:
        encoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise CannotRead(Reason.INVALID_AMOUNT) from None
    if not encoded:
        raise CannotRead(Reason.INVALID_AMOUNT)
    if len(encoded) * 8 > _FROM_BITS:
        raise CannotRead(Reason.AMOUNT_TOO_LARGE)
    return int.from_bytes(encoded, "big", signed=True)
