"""Moments as datetimes and as whole microseconds since 1970: floats would lose the last digits.

Belongs here: the two conversions, and nothing else.
"""

from datetime import UTC, datetime, timedelta

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def from_microseconds(value: int | None) -> datetime | None:
    """The UTC moment; None for None."""
    return None if value is None else _1970 + timedelta(microseconds=value)


def to_microseconds(moment: datetime | None) -> int | None:
    """Microseconds since 1970; None for None."""
    return None if moment is None else (moment - _1970) // timedelta(microseconds=1)
