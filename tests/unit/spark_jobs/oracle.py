"""The contract, judged a second time: in plain Python, one event at a time, by the standard library's own parsers.

Belongs here: what each field's text must be and which reasons follow. Does not belong here: anything of spark_jobs that
judges (parsing, validation); only the contract's lists and limits are shared, for they are the rule itself.
"""

import ipaddress
import re
from datetime import datetime, timedelta
from decimal import Decimal

from spark_jobs.contract.currencies import MINOR_UNITS, PERIODS
from spark_jobs.contract.iso_codes import COUNTRIES
from spark_jobs.contract.payment_event import DEVICE_TYPES, PAYMENT_METHODS, STATUSES, PaymentKind, Reason

_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_DIGITS = frozenset("0123456789")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_MICROSECOND = timedelta(microseconds=1)
_400_YEARS = timedelta(days=146_097)
YEAR_2000 = 946_684_800_000_000
FIVE_MINUTES = 300_000_000
LARGEST = Decimal(10) ** 12


def is_id(text: str) -> bool:
    """1 to 64 letters, digits, underscores or hyphens."""
    return 1 <= len(text) <= 64 and set(text) <= _ID


def is_address(text: str) -> bool:
    """IPv4 or IPv6, as the standard library reads them; no zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def amount_of(text: str) -> Decimal | None:
    """A plain decimal number, None where it is none."""
    digits = text.removeprefix("-")
    whole, point, decimals = digits.partition(".")
    if not whole or set(whole + decimals) - _DIGITS or (point and not decimals) or (whole != "0" and whole[0] == "0"):
        return None
    return Decimal(text)


def decimals_of(text: str) -> int:
    """How many digits follow the point, zeros at the end left out."""
    return len(text.partition(".")[2].rstrip("0"))


def event_time_of(text: str) -> int | None:
    """Microseconds since 1970 of an RFC 3339 time, what is finer cut off; None where it is none."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    offset = timedelta(hours=int(match[9] or 0), minutes=int(match[10] or 0))
    if offset >= timedelta(days=1) or int(match[10] or 0) > 59:
        return None
    try:
        # The calendar repeats after 400 years: that takes the year 0 into Python's range, and 9999 is left in it.
        local = datetime(year + 400 if year < 400 else year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        return None
    since = local - datetime(1970, 1, 1) - (_400_YEARS if year < 400 else timedelta())  # noqa: DTZ001
    microsecond = int((match[7] or "").ljust(9, "0")[:6])
    return (since - (-offset if match[8] == "-" else offset)) // _MICROSECOND + microsecond


def reasons_of(event: dict[str, str | None], kafka_us: int) -> list[Reason]:
    """All reasons against an event whose fields are strings or null, in the contract's order."""
    given = {name: text for name, text in event.items() if text is not None}
    required = {"transaction_id", "event_time", "sender_account_id", "receiver_account_id", "amount", "currency"}
    if event.keys() & {"payment_kind", "original_transaction_id", "status"}:  # Then it is of version 2.
        required.add("payment_kind")
    reasons = {Reason.MISSING_FIELD} if required - given.keys() else set()
    rules = {
        "transaction_id": (is_id, Reason.INVALID_TRANSACTION_ID),
        "sender_account_id": (is_id, Reason.INVALID_ACCOUNT_ID),
        "receiver_account_id": (is_id, Reason.INVALID_ACCOUNT_ID),
        "currency": (MINOR_UNITS.__contains__, Reason.UNKNOWN_CURRENCY),
        "country": (COUNTRIES.__contains__, Reason.UNKNOWN_COUNTRY),
        "device_id": (is_id, Reason.INVALID_DEVICE_ID),
        "device_type": (DEVICE_TYPES.__contains__, Reason.UNKNOWN_DEVICE_TYPE),
        "ip_address": (is_address, Reason.INVALID_IP_ADDRESS),
        "payment_method": (PAYMENT_METHODS.__contains__, Reason.UNKNOWN_PAYMENT_METHOD),
        "payment_kind": (set(PaymentKind).__contains__, Reason.UNKNOWN_KIND),
        "original_transaction_id": (is_id, Reason.INVALID_ORIGINAL_TRANSACTION_ID),
        "status": (STATUSES.__contains__, Reason.UNKNOWN_STATUS),
        "merchant_category": (lambda text: len(text) == 4 and set(text) <= _DIGITS, Reason.INVALID_MERCHANT_CATEGORY),
    }
    reasons |= {reason for name, (is_right, reason) in rules.items() if name in given and not is_right(given[name])}
    if "sender_account_id" in given and given["sender_account_id"] == given.get("receiver_account_id"):
        reasons.add(Reason.SAME_ACCOUNT)
    if "event_time" in given:
        at = event_time_of(given["event_time"])
        reasons |= _against_time(at, kafka_us) | _against_period(at, given.get("currency", ""))
    if "amount" in given:
        reasons |= _against_amount(given["amount"], MINOR_UNITS.get(given.get("currency", "")))
    return [reason for reason in Reason if reason in reasons]


def _against_time(at: int | None, kafka_us: int) -> set[Reason]:
    if at is None:
        return {Reason.INVALID_EVENT_TIME}
    return {
        reason
        for reason, applies in (
            (Reason.EVENT_TIME_TOO_OLD, at < YEAR_2000),
            (Reason.EVENT_TIME_IN_FUTURE, at > kafka_us + FIVE_MINUTES),
        )
        if applies
    }


def _against_period(at: int | None, currency: str) -> set[Reason]:
    """A day on either side is allowed: the same day begins and ends elsewhere at another time."""
    start, end = PERIODS.get(currency, ("", ""))
    too_early = at is not None and start and at < _day(start) - 86_400_000_000
    too_late = at is not None and end and at >= _day(end) + 86_400_000_000
    return {Reason.CURRENCY_OUT_OF_PERIOD} if too_early or too_late else set()


def _day(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1)) // _MICROSECOND  # noqa: DTZ001


def _against_amount(text: str, minor_unit: int | None) -> set[Reason]:
    amount = amount_of(text)
    if amount is None:
        return {Reason.INVALID_AMOUNT}
    return {
        reason
        for reason, applies in (
            (Reason.AMOUNT_NOT_POSITIVE, amount <= 0),
            (Reason.AMOUNT_TOO_LARGE, amount > LARGEST),
            (Reason.AMOUNT_TOO_PRECISE, minor_unit is not None and decimals_of(text) > minor_unit),
        )
        if applies
    }
