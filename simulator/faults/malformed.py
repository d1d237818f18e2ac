"""Broken events of many kinds, each with the complete list of reasons for which the contract refuses it.

Belongs here: one function per way to break a payment. Does not belong here: when they are sent (deliveries). At least
one kind for every contract.Reason; each breaks what it says and nothing else.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.population.payments import Payment, to_json
from spark_jobs.contract.payment_event import MAX_VALUE_BYTES, Reason

_YEAR_MS = 365 * 86_400_000
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Malformation:
    """A way to break a payment. `apply` gives the record's value."""

    reasons: tuple[Reason, ...]
    apply: Callable[[Payment], bytes | None] = field(repr=False)

    @property
    def kind(self) -> str:
        """Its name in the manifest."""
        return f"malformed:{self.reasons[0]}"


def _bytes(reason: Reason, change: Callable[[bytes], bytes | None]) -> Malformation:
    return Malformation((reason,), lambda payment: change(to_json(payment)))


def _fields(*reasons: Reason, **values: object) -> Malformation:
    """Fields replaced or added; whatever was an id stays one."""

    def apply(payment: Payment) -> bytes:
        return _encode(json.loads(to_json(payment)) | values)

    return Malformation(reasons, apply)


def _without(name: str) -> Malformation:
    def apply(payment: Payment) -> bytes:
        return _encode({key: value for key, value in json.loads(to_json(payment)).items() if key != name})

    return Malformation((Reason.MISSING_FIELD,), apply)


def _event_time(reason: Reason, later_ms: int) -> Malformation:
    return Malformation((reason,), lambda payment: to_json(payment.at(payment.event_ms + later_ms)))


def _same_account(payment: Payment) -> bytes:
    return to_json(payment._replace(receiver=payment.sender))


def _encode(event: dict[str, object]) -> bytes:
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def _with_member(value: bytes, member: bytes) -> bytes:
    return value[:-1] + b"," + member + b"}"


_DEEP = b'"note":' + b'{"a":' * 64 + b"1" + b"}" * 64
_LONG = b'"note":"' + b"x" * MAX_VALUE_BYTES + b'"'

MALFORMATIONS: tuple[Malformation, ...] = (
    # Its key is an account, and no payment has an account for its id: it deletes nothing.
    Malformation((Reason.TOMBSTONE,), lambda _payment: None),
    Malformation((Reason.EMPTY_VALUE,), lambda _payment: b""),
    _bytes(Reason.OVERSIZE, lambda value: _with_member(value, _LONG)),
    _bytes(Reason.INVALID_UTF8, lambda value: _with_member(value, b'"note":"caf\xe9"')),
    _bytes(Reason.INVALID_UTF8, lambda value: value.decode().encode("utf-16")),
    _bytes(Reason.INVALID_UTF8, lambda value: gzip.compress(value, mtime=0)),
    _bytes(Reason.INVALID_JSON, lambda value: value[: len(value) // 2]),
    _bytes(Reason.INVALID_JSON, lambda value: value + value),
    _bytes(Reason.INVALID_JSON, lambda value: b"\x00\x00\x00\x00\x01" + value),
    _bytes(Reason.INVALID_JSON, lambda value: _with_member(value, b'"note":NaN')),
    _bytes(Reason.INVALID_JSON, lambda value: value.replace(b'"', b"'")),
    _bytes(Reason.TOO_DEEP, lambda value: _with_member(value, _DEEP)),
    _bytes(Reason.NOT_AN_OBJECT, lambda value: b"[" + value + b"]"),
    _bytes(Reason.NOT_AN_OBJECT, lambda _value: b"null"),
    _bytes(Reason.NOT_AN_OBJECT, lambda _value: b'"payment"'),
    _bytes(Reason.DUPLICATE_KEY, lambda value: _with_member(value, b'"payment_method":"card"')),
    _bytes(Reason.INVALID_UNICODE, lambda value: value.replace(b'"device_id":"', b'"device_id":"\\ud800')),
    _fields(Reason.WRONG_TYPE, amount=12.5),
    _fields(Reason.WRONG_TYPE, transaction_id=1234567),
    _fields(Reason.WRONG_TYPE, ip_address={"v4": "100.64.0.1"}),
    _fields(Reason.WRONG_TYPE, event_time=1_700_000_000),
    _without("transaction_id"),
    _without("amount"),
    _without("currency"),
    _without("event_time"),
    _fields(Reason.MISSING_FIELD, receiver_account_id=None),
    _fields(Reason.INVALID_TRANSACTION_ID, transaction_id=""),
    _fields(Reason.INVALID_TRANSACTION_ID, transaction_id="'; DROP TABLE payments; --"),
    _fields(Reason.INVALID_TRANSACTION_ID, transaction_id="x" * 65),
    _fields(Reason.INVALID_TRANSACTION_ID, transaction_id="café-1"),
    _fields(Reason.INVALID_EVENT_TIME, event_time="2026-02-30T12:00:00Z"),
    _fields(Reason.INVALID_EVENT_TIME, event_time="2026-02-03T12:00:00"),
    _fields(Reason.INVALID_EVENT_TIME, event_time="2016-12-31T23:59:60Z"),
    _fields(Reason.INVALID_EVENT_TIME, event_time="1700000000000"),
    _fields(Reason.EVENT_TIME_TOO_OLD, event_time="1999-12-31T23:59:59.999Z"),
    _event_time(Reason.EVENT_TIME_IN_FUTURE, _YEAR_MS),
    _event_time(Reason.EVENT_TIME_IN_FUTURE, 2 * _HOUR_MS),
    _fields(Reason.INVALID_ACCOUNT_ID, receiver_account_id="DE89 3704 0044 0532 0130 00"),
    _fields(Reason.INVALID_ACCOUNT_ID, sender_account_id=""),
    Malformation((Reason.SAME_ACCOUNT,), _same_account),
    _fields(Reason.INVALID_AMOUNT, amount="1,234.56"),
    _fields(Reason.INVALID_AMOUNT, amount="1e3"),
    _fields(Reason.INVALID_AMOUNT, amount="twelve"),
    _fields(Reason.AMOUNT_NOT_POSITIVE, amount="0"),
    _fields(Reason.AMOUNT_NOT_POSITIVE, amount="-15"),
    _fields(Reason.AMOUNT_TOO_LARGE, amount="1000000000001"),
    _fields(Reason.AMOUNT_TOO_PRECISE, amount="10.5", currency="JPY"),
    _fields(Reason.AMOUNT_TOO_PRECISE, amount="10.505", currency="EUR"),
    _fields(Reason.UNKNOWN_CURRENCY, currency="XXX"),
    _fields(Reason.UNKNOWN_CURRENCY, currency="eur"),
    _fields(Reason.WRONG_TYPE, Reason.MISSING_FIELD, amount=12.5, currency=None),
    _fields(Reason.CURRENCY_OUT_OF_PERIOD, amount="10.50", currency="HRK"),
    _fields(
        Reason.INVALID_TRANSACTION_ID,
        Reason.INVALID_AMOUNT,
        Reason.UNKNOWN_CURRENCY,
        transaction_id="a b",
        amount="",
        currency="EURO",
    ),
)


def one_of_each_first() -> tuple[Malformation, ...]:
    """All kinds, the first of every reason in front: even few malformed events then have every reason."""
    firsts = {kind.reasons[0]: kind for kind in reversed(MALFORMATIONS)}
    return (*firsts.values(), *(kind for kind in MALFORMATIONS if kind is not firsts[kind.reasons[0]]))
