"""Times as they are written elsewhere, as the contract writes them: RFC 3339 with a zone.

Belongs here: epochs, local times, ISO 8601 and patterns. Does not belong here: which times a payment may have
(parsing). Pure; no digit is cut here, and a local time that the clocks showed twice or never is refused, not guessed.
"""

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from spark_jobs.contract.payment_event import Reason
from spark_jobs.mapping.readers import CannotRead, Reader, TextReader

RFC_3339, ISO_8601, LOCAL = "rfc3339", "iso8601", "local"
EPOCHS = {"epoch_s": 0, "epoch_ms": 3, "epoch_us": 6, "epoch_ns": 9}
FORMATS = (RFC_3339, ISO_8601, LOCAL, *EPOCHS)
REFUSE, EARLIER, LATER = AMBIGUOUS = ("refuse", "earlier", "later")

_NANO = 10**9
_END = 253_402_300_800
"""The first second of the year 10,000."""

_DAY = 86_400
_TWO = tuple(f"{number:02d}" for number in range(60))
_DIGITS = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,9}))?")
_OFFSET = r"(?P<offset>[Zz]|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)"
_FRACTION = r"[0-9]{1,9}"
_ISO = (
    r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{2})-(?P<d>[0-9]{2})[Tt ](?P<H>[0-9]{2}):(?P<M>[0-9]{2})"
    rf"(?::(?P<S>[0-9]{{2}})(?:[.,](?P<f>{_FRACTION}))?)?"
)
# Java writes a zone's name behind its offset. Without an offset it would have to be taken at its word, against `zone`.
_ANY_ISO = rf"{_ISO}(?: ?{_OFFSET}(?:\[[A-Za-z0-9_/+-]+\])?)?"
_DIRECTIVES = {
    "Y": "(?P<Y>[0-9]{4})",
    "m": "(?P<m>[0-9]{2})",
    "d": "(?P<d>[0-9]{2})",
    "H": "(?P<H>[0-9]{2})",
    "M": "(?P<M>[0-9]{2})",
    "S": "(?P<S>[0-9]{2})",
    "f": f"(?P<f>{_FRACTION})",
    "z": _OFFSET,
    "%": "%",
}


def epoch_reader(read: Reader, decimals: int) -> TextReader:
    """Time since 1970 in units of 10^-decimals seconds, as a whole number, a decimal, or the text of one."""
    is_seconds = decimals == 0

    def time(record: Any) -> str | None:
        value = read(record)
        if value is None:
            return None
        if is_seconds and type(value) is int:
            seconds, rest = value, 0
        else:
            seconds, rest = divmod(_nanoseconds(value, decimals), _NANO)
        if not 0 <= seconds < _END:
            raise CannotRead(Reason.INVALID_EVENT_TIME)
        day, second = divmod(seconds, _DAY)
        minute, second = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        text = f"{_date(day)}T{_TWO[hour]}:{_TWO[minute]}:{_TWO[second]}"
        return f"{text}.{rest:09d}".rstrip("0") + "Z" if rest else f"{text}Z"

    return time


def written_reader(read: TextReader, form: str, zone: str | None, ambiguous: str = REFUSE) -> TextReader:
    """A time as text: ISO_8601, LOCAL or a pattern. `zone` is that of a text that names none."""
    match_ = pattern_of(form).fullmatch
    local = ZoneInfo(zone) if zone else None

    def time(record: Any) -> str | None:
        text = read(record)
        if text is None:
            return None
        match = match_(text)
        if match is None:
            raise CannotRead(Reason.INVALID_EVENT_TIME)
        found = match.groupdict()
        day, clock = f"{found['Y']}-{found['m']}-{found['d']}", f"{found['H']}:{found['M']}:{found.get('S') or '00'}"
        fraction = f".{found['f']}" if found.get("f") else ""
        if offset := found.get("offset"):
            return f"{day}T{clock}{fraction}{_offset(offset)}"
        if local is None:
            raise CannotRead(Reason.INVALID_EVENT_TIME)
        return f"{_in_utc(f'{day}T{clock}', local, ambiguous)}{fraction}Z"

    return time


def pattern_of(form: str) -> re.Pattern[str]:
    """The texts of a format.

    Raises:
        ValueError: it is a pattern with other directives than ours, with one twice, or without a day and a minute.
    """
    if form == ISO_8601:
        return re.compile(_ANY_ISO)
    if form == LOCAL:
        return re.compile(_ISO)
    parts = re.split("%(.)", form)
    directives = parts[1::2]
    unknown = [directive for directive in directives if directive not in _DIRECTIVES]
    if unknown or "%" in "".join(parts[::2]):
        known = ", ".join(f"%{directive}" for directive in _DIRECTIVES)
        raise ValueError(f"knows no %{''.join(unknown[:1])}; a pattern is made of {known}")
    named = [directive for directive in directives if directive != "%"]
    if not {*"YmdHM"} <= {*named} or len({*named}) < len(named):
        raise ValueError("needs %Y, %m, %d, %H and %M, each once: a day alone is no time")
    return re.compile("".join(_DIRECTIVES[part] if i % 2 else re.escape(part) for i, part in enumerate(parts)))


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).date().isoformat()


def _nanoseconds(value: Any, decimals: int) -> int:
    if type(value) is int:
        nanoseconds: int = value * 10 ** (9 - decimals)
        return nanoseconds
    if type(value) is Decimal:
        value = f"{value:f}" if value.is_finite() and abs(value.adjusted()) < 30 else ""
    if type(value) is not str:
        raise CannotRead(Reason.WRONG_TYPE)
    match = _DIGITS.fullmatch(value)
    if match is None:
        raise CannotRead(Reason.INVALID_EVENT_TIME)
    whole, fraction = match[1], match[2] or ""
    scale = 10**decimals
    nanoseconds, below = divmod(int(whole + fraction.ljust(9, "0")), scale)
    if below:
        raise CannotRead(Reason.INVALID_EVENT_TIME)
    return nanoseconds


def _offset(offset: str) -> str:
    if offset in ("Z", "z", "UTC"):
        return "Z"
    return f"{offset[:3]}:{offset[-2:] if len(offset) > 3 else '00'}"


def _in_utc(text: str, zone: tzinfo, ambiguous: str) -> str:
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
        earlier, later = local, local.replace(fold=1)
        utc = (earlier.astimezone(UTC), later.astimezone(UTC))
        if utc[0].astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise CannotRead(Reason.INVALID_EVENT_TIME)
    except (ValueError, OverflowError):
        raise CannotRead(Reason.INVALID_EVENT_TIME) from None
    if utc[0] != utc[1] and ambiguous == REFUSE:
        raise CannotRead(Reason.INVALID_EVENT_TIME)
    return (utc[1] if ambiguous == LATER else utc[0]).isoformat()[:19]
