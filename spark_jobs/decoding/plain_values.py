"""Binary values as a document has them: exact decimals, and text for what JSON has no form for.

Belongs here: conversions that more than one format needs. Does not belong here: reading a format. Pure.
"""

import base64
import math
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

import numpy as np

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def scaled(unscaled: bytes, scale: int) -> Decimal:
    """A decimal from the big-endian two's complement of its digits, as Java's BigDecimal is written.

    Raises:
        ValueError: no decimal has this scale.
    """
    try:
        return _EXACT.scaleb(Decimal(int.from_bytes(unscaled, signed=True)), -scale)
    except ArithmeticError:
        raise ValueError(scale) from None


def of_double(number: float) -> Decimal | str:
    """The shortest decimal that means this very number; its name where it is none."""
    return Decimal(repr(number)) if math.isfinite(number) else _name(number)


def of_single(number: float) -> Decimal | str:
    """The same for a number of 32 bits: 0.1 is 0.1, not 0.10000000149011612."""
    return Decimal(str(np.float32(number))) if math.isfinite(number) else _name(number)


def of_bytes(content: bytes) -> str:
    """Base64."""
    return base64.b64encode(content).decode()


def _name(number: float) -> str:
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
