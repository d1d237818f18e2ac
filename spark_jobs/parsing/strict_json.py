"""One value by the strictest reading of JSON: its fields as text, and the reasons for which it cannot be read.

Belongs here: bytes to text to fields, value by value, and what a record without a value is. Does not belong here:
reading many quickly (json_parsing), what a field may say (validation). Pure: no Spark, no I/O.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from spark_jobs.contract.payment_event import FIELD_NAMES, FIELDS, ID_PATTERN, MAX_NESTING, MAX_VALUE_BYTES, Reason

_REQUIRED = frozenset(field.name for field in FIELDS if field.required)
_NAMES = frozenset(FIELD_NAMES)
_WIDTH = len(FIELD_NAMES)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""Possessive, and a string that never ends counts as one: or hostile bytes cost the square of their length."""

_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_ID = re.compile(ID_PATTERN.encode()).fullmatch


class _Unreadable(Exception):
    def __init__(self, reason: Reason) -> None:
        self.reason = reason


class _Pairs(NamedTuple):
    """A JSON object as it was written, duplicate keys and all."""

    items: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts in the order of FIELD_NAMES, unknown fields as a JSON object, and reasons in the contract's order."""

    values: tuple[str | None, ...]
    extra_fields: str | None
    reasons: list[Reason]


def read(value: bytes | None, key: bytes | None = None) -> Reading:
    """Read one value; never raises, whatever the bytes.

    A record without a value is a tombstone: what its key names is deleted where it came from. Without an id for a key
    it is just empty.
    """
    if value is None and key is not None and _ID(key):
        return Reading((key.decode(), *(None,) * (_WIDTH - 1)), None, [Reason.TOMBSTONE])
    try:
        return _fields(value, _load(value))
    except _Unreadable as unreadable:
        return Reading((None,) * _WIDTH, None, [unreadable.reason])


def _load(value: bytes | None) -> list[tuple[str, Any]]:
    if value is None or not value.strip():
        raise _Unreadable(Reason.EMPTY_VALUE)
    if len(value) > MAX_VALUE_BYTES:
        raise _Unreadable(Reason.OVERSIZE)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unreadable(Reason.INVALID_UTF8) from None
    if _nesting(text) > MAX_NESTING:
        raise _Unreadable(Reason.TOO_DEEP)
    try:
        loaded = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse, parse_int=_keep, parse_float=_keep)
    except (ValueError, RecursionError):
        raise _Unreadable(Reason.INVALID_JSON) from None
    if not isinstance(loaded, _Pairs):
        raise _Unreadable(Reason.NOT_AN_OBJECT)
    return loaded.items


def _fields(value: bytes | None, items: list[tuple[str, Any]]) -> Reading:
    fields = dict(items)
    reasons = {Reason.DUPLICATE_KEY} if _has_duplicate_key(items) else set()
    row: list[str | None] = []
    for name in FIELD_NAMES:
        field = fields.get(name)
        if field is not None and not isinstance(field, str):
            reasons.add(Reason.WRONG_TYPE)
            field = None
        elif field is None and name in _REQUIRED:
            reasons.add(Reason.MISSING_FIELD)
        elif field is not None and not _is_unicode(field):
            reasons.add(Reason.INVALID_UNICODE)
            field = None
        row.append(field)
    extra_fields = None
    if fields.keys() - _NAMES:
        extra_fields = _extra_fields(value or b"")
        if extra_fields is None:
            reasons.add(Reason.INVALID_UNICODE)
    return Reading(tuple(row), extra_fields, sorted(reasons, key=list(Reason).index))


def _extra_fields(value: bytes) -> str | None:
    """Unknown fields as a JSON object, each value as it was written; None where a key is not Unicode."""
    try:
        raw = _raw_fields(value)
        return "{" + ",".join(f"{json.dumps(k)}:{bytes(v).decode()}" for k, v in raw.items() if k not in _NAMES) + "}"
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _has_duplicate_key(items: list[tuple[str, Any]]) -> bool:
    if len({key for key, _ in items}) != len(items):
        return True
    return any(isinstance(value, _Pairs) and _has_duplicate_key(value.items) for _, value in items)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _nesting(text: str) -> int:
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return 0
    depth = deepest = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _keep(number: str) -> int:
    """Numbers are never read: no field is one, and unknown fields are kept as they were written."""
    return len(number)
